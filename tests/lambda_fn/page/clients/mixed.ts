// The same of the model of people: strings, a boolean, what may be missing, under names that are no words.
import createClient from "openapi-fetch";
import type { components, paths } from "./mixed-api.js";

declare const process: { argv: string[] };
type Row = components["schemas"]["Row"];

const client = createClient<paths, "application/json" | "application/problem+json">({ baseUrl: process.argv[2] ?? "" });
const rows: Row[] = [
  { 'the "city"': "Oslo", "âge, in years": 61.5, "member?": true, "plan/tier": "basic" },
  { 'the "city"': "Atlantis", "âge, in years": null, "member?": 0, "plan/tier": "<=50K", note: "left alone" },
  { 'the "city"': null, "âge, in years": 18, "member?": null, "plan/tier": "pro's" },
];
// @ts-expect-error a category that the model does not take
const other: Row = { ...rows[0], "plan/tier": "gold" };

const scored = await client.POST("/predict", { body: { data: rows, probabilities: true } });
const labels: ("Yes, surely" | "no" | "yes")[] = scored.data?.prediction ?? [];
const refused = await client.POST("/predict", { body: { data: [other] } });
console.log(
  JSON.stringify({ rows, prediction: labels, probabilities: scored.data?.probabilities, code: refused.error?.code }),
);
