// What a person writes who has the types of the demo model; it prints the rows that were sent, and what was answered.
import createClient from "openapi-fetch";
import type { components, paths } from "./iris-api.js";

declare const process: { argv: string[] };
type Row = components["schemas"]["Row"];

const client = createClient<paths, "application/json" | "application/problem+json">({ baseUrl: process.argv[2] ?? "" });
const rows: Row[] = [{ "sepal length (cm)": 6.2, "sepal width (cm)": 3.4 }, [6.2, 1]];
// @ts-expect-error a feature is missing
const narrow: Row = { "sepal length (cm)": 6.2 };
// @ts-expect-error a value is no number
const text: Row = ["6.2", 1];

const scored = await client.POST("/predict", { params: { query: { probabilities: true } }, body: { data: rows } });
const labels: (0 | 1 | 2)[] = scored.data?.prediction ?? [];
const refused = await client.POST("/predict", { body: { data: [narrow] } });
const code: "missing-feature" | string | undefined = refused.error?.code;
const { data: model } = await client.GET("/model");
const { data: named } = await client.GET("/models/{name}", { params: { path: { name: "iris" } } });
console.log(
  JSON.stringify({
    rows: [[6.2, 3.4], rows[1]],
    prediction: labels,
    probabilities: scored.data?.probabilities,
    code,
    names: [model?.name, named?.name],
    text,
  }),
);
