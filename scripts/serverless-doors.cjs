'use strict';
// What `--param`s ask for and CloudFormation has no condition for, or no word: the doors (`auth`, `docsAuth`), lists with
// commas, and the alias `live`, which calls go to and each deployment moves. What would leave a door open by mistake, or
// break on AWS only, is refused here.

const LIVE = 'live';
const OPTIONAL = ['reservedConcurrency', 'provisionedConcurrency', 'kmsKey', 'permissionsBoundary', 'bulkConcurrency'];
const OUTSIDE = ['authorize', 'arrive']; // of a VPC: they ask nothing that is in one

class ServerlessDoors {
  constructor(serverless) {
    this.hooks = {
      'initialize': () => {
        checkNames(serverless);
        checkValues(serverless);
        setDoors(serverless);
        setLists(serverless);
      },
      'after:package:compileFunctions': () => addAliases(serverless),
    };
  }
}

const listed = (text) => String(text ?? '').split(',').map((each) => each.trim()).filter(Boolean);
const are = (text, pattern) => listed(text).every((each) => pattern.test(each));
const share = (text) => /^[\d.]+(e-?\d+)?$/i.test(text) && Number(text) >= 0 && Number(text) <= 1;
const whole = (text, least, most) => /^\d+$/.test(text) && Number(text) >= least && Number(text) <= most;

function refuse(serverless, words) {
  throw new serverless.classes.Error(words);
}

// A name that nobody reads is a wish that nobody hears, and perhaps a door that stays open.
function checkNames(serverless) {
  const { default: defaults = {}, ...stages } = serverless.configurationInput.params ?? {};
  const known = [...new Set([...Object.keys(defaults), ...OPTIONAL])].sort();
  const told = (serverless.processedInput.options.param ?? []).map((each) => each.split('=')[0]);
  for (const name of [...Object.values(stages).flatMap((each) => Object.keys(each ?? {})), ...told]) {
    if (!known.includes(name)) refuse(serverless, `there is no parameter '${name}'; there are ${known.join(', ')}`);
  }
}

const OWN = ['models/', 'objects/', 'captured/'];
// Of a place, as `Fn::Sub` has it: whether it is a bucket or a prefix of whole segments, and no pattern for roles.
const isPrefix = (place) => !place || /^s3:\/\/(\$\{Bucket\}|[\w.-]+)\/([^/*?$][^*?$]*(?<!\/)\/)?$/.test(place['Fn::Sub']);
const overlapsOwn = (place) =>
  place && OWN.map((own) => `s3://\${Bucket}/${own}`).some((own) => own.startsWith(place['Fn::Sub']) || place['Fn::Sub'].startsWith(own));
const parsed = (text) => {
  try { return JSON.parse(text); } catch { return undefined; }
};
const isOptions = (told) => told?.constructor === Object && !('input' in told || 'output' in told);
const isPath = (text) => text === '' || text.split('/').every((part) => /^[\w.~$+!*'()@:-]+$/.test(part));

// Each rule says whether it holds, and what is told where it does not.
const RULES = [
  [({ jwtScopes: text }) => !text || listed(text).length, 'jwtScopes is names with commas, and lists none'],
  [({ keysParameter: text }) => /^\/[\w./-]+$/.test(text), 'keysParameter is the whole name of a parameter of SSM, such as /plume/prod/keys'],
  [({ domain, flags }) => domain || String(flags.disableDefaultEndpoint) !== 'true', 'disableDefaultEndpoint asks for a domain: nothing else would answer'],
  [({ domain, certificate }) => !domain || /^arn:[\w-]+:acm:[\w-]+:\d{12}:certificate\/(?!none$)[\w-]+$/.test(certificate), 'domain asks for its certificate, by its ARN'],
  [({ domain, basePath }) => !domain || basePath === '/' || !/^\/|\/$/.test(basePath), 'basePath has no slash at its ends where there is a domain'],
  [({ versionDays }) => whole(versionDays, 1, 36500), 'versionDays is a number of days from 1 on'],
  [({ versionsKept }) => whole(versionsKept, 1, 100), 'versionsKept is a number from 1 to 100'],
  [({ throttleRate, throttleBurst: burst }) => whole(throttleRate, 1, 1e6) && whole(burst, 1, 1e6), 'throttleRate and throttleBurst are numbers from 1 on'],
  [({ vpcSubnets, vpcSecurityGroups: groups }) => typeof vpcSubnets === 'string' && typeof groups === 'string', 'vpcSubnets and vpcSecurityGroups are ids with commas between them'],
  [({ vpcSubnets, vpcSecurityGroups: groups }) => !listed(vpcSubnets).length === !listed(groups).length, 'vpcSubnets and vpcSecurityGroups are given together, or neither'],
  [({ vpcSubnets, vpcSecurityGroups: groups }) => are(vpcSubnets, /^subnet-\w+$/) && are(groups, /^sg-\w+$/), 'vpcSubnets are ids such as subnet-0123abcd, vpcSecurityGroups such as sg-0123abcd'],
  [({ corsOrigin: text = '*' }) => /^(\*|https?:\/\/[^\s/,]+)$/.test(text), 'corsOrigin is * or an origin, such as https://example.org'],
  [({ alarmEmail }) => !alarmEmail || /^[^\s@]+@[^\s@]+$/.test(alarmEmail), 'alarmEmail is an address'],
  [({ alarmEmail, alarmTopic, noTopic, flags }) => String(flags.alarms) === 'true' || (!alarmEmail && alarmTopic === noTopic), 'alarmEmail and alarmTopic ask for alarms=true: nobody would be told'],
  [({ alarmTopic, noTopic }) => alarmTopic === noTopic || /^arn:[\w-]+:sns:[\w-]+:\d{12}:[\w-]+(\.fifo)?$/.test(alarmTopic), 'alarmTopic is the ARN of an SNS topic'],
  [({ alarmLatency }) => whole(alarmLatency, 1, 30000), 'alarmLatency is a number of milliseconds, up to 30000, at which a gateway gives up'],
  [({ captureDays, bulkUploadsDays: days }) => whole(captureDays, 1, 36500) && whole(days, 1, 36500), 'captureDays and bulkUploadsDays are numbers of days from 1 on'],
  [({ kmsKeyArn: arn }) => !arn || /^arn:[\w-]+:kms:[\w-]+:\d{12}:key\/[\w-]+$/.test(arn), 'kmsKey is the ARN of a key: roles are let use no alias'],
  [({ provisioned, reserved }) => !provisioned || reserved == null || Number(provisioned) <= Number(reserved), 'provisionedConcurrency is at most reservedConcurrency: AWS takes no more'],
  // What follows the functions read of their settings: one that is wrong ends each of their starts, and so all calls.
  [({ CAPTURE_SHARE: text = 0 }) => share(text), 'captureShare is a number from 0 to 1'],
  [({ CANDIDATE_SHARE: text = 0 }) => share(text), 'candidateShare is a number from 0 to 1'],
  [({ CANDIDATE_MODE: text = 'answer' }) => ['answer', 'shadow'].includes(text), 'candidateMode is answer or shadow'],
  [({ CANDIDATE_KEY: text = '' }) => /^((header|feature):.+)?$/s.test(text), 'candidateKey is header:NAME or feature:NAME'],
  [({ LOG_CALLS: text = 'all' }) => ['all', 'errors', 'none'].includes(text), 'logCalls is all, errors or none'],
  [({ MODEL_TTL: text = 60 }) => /^\d{1,15}(\.\d+)?$/.test(text), 'modelTtl is a number of seconds from 0 on'],
  [({ MODEL_SHA256: text = '' }) => /^([0-9a-f]{64})?$/i.test(text), 'modelSha256 is 64 hexadecimal digits'],
  [({ MODEL_SHA256: text, CANDIDATE_SHARE: other = 0 }) => !text || Number(other) === 0, 'modelSha256 pins the only model: candidateShare is to be 0 with it'],
  [({ basePath: text }) => isPath(String(text).replace(/^\/+|\/+$/g, '')), 'basePath is segments of a path, such as v1 or models/iris'],
  [({ BULK_ARRIVAL_OPTIONS: text = '{}' }) => isOptions(parsed(text)), 'bulkArrivalOptions is a JSON object without input and output: no table that arrives would be scored'],
  [({ BULK_INPUT: place }) => isPrefix(place), 'bulkInputBucket is a name, bulkInputPrefix whole segments, with a slash at its end and none in front, without * and ?'],
  [({ BULK_OUTPUT: place }) => isPrefix(place), 'bulkOutputBucket is a name, bulkOutputPrefix whole segments, with a slash at its end and none in front, without * and ?'],
  [({ BULK_OUTPUT: place }) => !overlapsOwn(place), `bulkOutputPrefix is apart from ${OWN.join(', ')}: who runs a table would write there`],
  [({ BULK_OUTPUT: place }) => !place?.['Fn::Sub'].startsWith('s3://${Bucket}/bulk/uploads/'), 'bulkOutputPrefix is apart from bulk/uploads/: what is there is deleted after bulkUploadsDays'],
  [({ BULK_INPUT: place, BULK_OUTPUT: out, flags }) => String(flags.bulkOnArrival) !== 'true' || !place || !place['Fn::Sub'].startsWith(out['Fn::Sub']), 'bulkInputPrefix is not within bulkOutputPrefix where bulkOnArrival is true: what is written would start runs, so none does'],
  [({ BULK_INPUT: place, flags }) => String(flags.bulkOnArrival) !== 'true' || !overlapsOwn(place), `bulkInputPrefix is apart from ${OWN.join(', ')} where bulkOnArrival is true: each file there would start a run`],
];

function checkValues(serverless) {
  const { custom, functions, provider } = serverless.service;
  const settings = { ...functions.predict?.environment, ...functions.arrive?.environment };
  const { provisionedConcurrency: provisioned, reservedConcurrency: reserved } = functions.predict ?? {};
  const [corsOrigin] = provider.httpApi.cors?.allowedOrigins ?? [];
  const told = { ...settings, ...custom.doors, provisioned, reserved, corsOrigin, kmsKeyArn: provider.kmsKeyArn };
  for (const [name, value] of Object.entries(told.flags)) {
    if (!['true', 'false'].includes(String(value))) refuse(serverless, `${name} is true or false, not '${value}'`);
  }
  for (const [holds, words] of RULES) if (!holds(told)) refuse(serverless, words);
}

// The doors by name: what a route of each says, the authorizer that it names, if it does, and what is missing for it.
const DOORS = {
  open: {},
  iam: { route: () => ({ type: 'aws_iam' }) },
  jwt: {
    route: ({ jwtScopes: scopes }) => ({ name: 'jwt', type: 'jwt', ...(listed(scopes).length && { scopes: listed(scopes) }) }),
    authorizer: ({ jwtIssuer, jwtAudience }) => ({
      type: 'jwt',
      identitySource: '$request.header.Authorization',
      issuerUrl: jwtIssuer,
      audience: listed(jwtAudience),
    }),
    lacks: ({ jwtIssuer, jwtAudience }) =>
      /^(https:\/\/|http:\/\/(localhost|127\.0\.0\.1)[:/])\S+$/.test(jwtIssuer) && listed(jwtAudience).length
        ? ''
        : 'asks for jwtIssuer, a URL of https, and jwtAudience',
  },
  key: {
    route: () => ({ name: 'key', type: 'request' }),
    authorizer: ({ keyTtl }) => ({
      type: 'request',
      functionName: 'authorize',
      identitySource: ['$request.header.x-api-key'],
      enableSimpleResponses: true,
      resultTtlInSeconds: Number(keyTtl),
    }),
    lacks: ({ keyTtl }) => (whole(keyTtl, 0, 3600) ? '' : 'asks for a keyTtl from 0 to 3600'),
  },
};

// Of a function URL, or an event of a REST or an HTTP API, that says nothing of a door. What a browser asks before has none.
const asksNothing = (front) => front && front.authorizer === undefined && !front.private && !/^options\b/i.test(front.method ?? front);

function setDoors(serverless) {
  const { functions, provider, custom } = serverless.service;
  const authorizers = {};
  for (const [name, { events = [], environment: { DOOR, DOCS_DOOR = DOOR } = {}, url }] of Object.entries(functions)) {
    const open = DOOR === 'open' && DOCS_DOOR === 'open';
    if (!open && [url, ...events.flatMap(({ http, httpApi }) => [http, httpApi])].some(asksNothing)) {
      refuse(serverless, `${name} has a url, or an event http or httpApi, without authorizer: anybody could call it there, whatever auth and docsAuth say`);
    }
    for (const { httpApi } of events) {
      const name = httpApi?.authorizer; // of `auth: false` in serverless.yml, too, which the framework takes for open
      if (name === undefined || name instanceof Object) continue;
      const door = Object.hasOwn(DOORS, name) ? DOORS[name] : { lacks: () => `is one of ${Object.keys(DOORS).join(', ')}` };
      const lacking = door.lacks?.(custom.doors);
      if (lacking) refuse(serverless, `auth, or docsAuth, is '${name}': it ${lacking}`);
      if (door.authorizer) authorizers[name] = door.authorizer(custom.doors);
      if (door.route) httpApi.authorizer = door.route(custom.doors);
      else delete httpApi.authorizer;
    }
  }
  const { jwtIssuer, jwtAudience, jwtScopes, keysParameter, ownKeys } = custom.doors;
  if (!authorizers.jwt && (jwtIssuer || jwtAudience || jwtScopes)) {
    refuse(serverless, 'jwtIssuer, jwtAudience and jwtScopes ask for auth=jwt, or docsAuth=jwt: no token would be asked for');
  }
  if (!authorizers.key && keysParameter !== ownKeys) {
    refuse(serverless, 'keysParameter asks for auth=key, or docsAuth=key: no key would be asked for');
  }
  provider.httpApi.authorizers = authorizers;
  if (!authorizers.key) delete functions.authorize;
}

function setLists(serverless) {
  const { functions, provider, custom } = serverless.service;
  const subnetIds = listed(custom.doors.vpcSubnets);
  if (subnetIds.length) {
    const vpc = { subnetIds, securityGroupIds: listed(custom.doors.vpcSecurityGroups) };
    for (const [name, each] of Object.entries(functions)) if (!OUTSIDE.includes(name)) each.vpc = vpc;
  }
  const tags = listed(custom.doors.stackTags).map((each) => each.split(/=(.*)/s));
  if (tags.some(([name, value]) => !name || value === undefined)) {
    refuse(serverless, `stackTags is name=value,name=value, not '${custom.doors.stackTags}'`);
  }
  if (tags.length) provider.stackTags = Object.fromEntries(tags);
}

// Where provisioned concurrency or SnapStart is asked for, the framework has made an alias of its own name.
function addAliases(serverless) {
  const { functions, provider } = serverless.service;
  const resources = provider.compiledCloudFormationTemplate.Resources;
  for (const [name, made] of Object.entries(functions)) {
    if (!made.versionLogicalId) continue;
    const functionId = serverless.getProvider('aws').naming.getLambdaLogicalId(name);
    const alias = resources[made.targetAlias?.logicalId] ?? {
      Type: 'AWS::Lambda::Alias',
      Properties: {
        FunctionName: { Ref: functionId },
        FunctionVersion: { 'Fn::GetAtt': [made.versionLogicalId, 'Version'] },
      },
      DependsOn: functionId,
    };
    delete resources[made.targetAlias?.logicalId];
    alias.Properties.Name = LIVE;
    made.targetAlias = { name: LIVE, logicalId: functionId.replace(/LambdaFunction$/, 'LiveAlias') };
    resources[made.targetAlias.logicalId] = alias;
  }
}

module.exports = ServerlessDoors;
