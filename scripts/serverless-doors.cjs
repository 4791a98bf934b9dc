'use strict';
// What `--param`s ask for and CloudFormation has no condition for, or no word: the doors (`auth`, `docsAuth`), lists with
// commas, and the alias `live`, which calls go to and each deployment moves.

const LIVE = 'live';

class ServerlessDoors {
  constructor(serverless) {
    this.hooks = {
      'initialize': () => {
        setDoors(serverless);
        setLists(serverless);
      },
      'after:package:compileFunctions': () => addAliases(serverless),
    };
  }
}

const listed = (text) => String(text ?? '').split(',').map((each) => each.trim()).filter(Boolean);

// The doors by name: what a route of each says, the authorizer that it names, if it does, and what is missing for it.
const DOORS = {
  open: {},
  iam: { route: () => ({ type: 'aws_iam' }) },
  jwt: {
    route: ({ scopes }) => ({ name: 'jwt', type: 'jwt', ...(listed(scopes).length && { scopes: listed(scopes) }) }),
    authorizer: ({ issuer, audience }) => ({
      type: 'jwt',
      identitySource: '$request.header.Authorization',
      issuerUrl: issuer,
      audience: listed(audience),
    }),
    lacks: ({ issuer, audience }) =>
      /^https?:\/\/./.test(issuer) && listed(audience).length ? '' : 'asks for jwtIssuer, a URL, and jwtAudience',
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
    lacks: ({ keyTtl }) => (/^\d+$/.test(keyTtl) && Number(keyTtl) <= 3600 ? '' : 'asks for a keyTtl from 0 to 3600'),
  },
};

function setDoors(serverless) {
  const { functions, provider, custom } = serverless.service;
  const authorizers = {};
  for (const { events = [] } of Object.values(functions)) {
    for (const { httpApi } of events) {
      if (typeof httpApi?.authorizer !== 'string') continue;
      const name = httpApi.authorizer;
      const door = Object.hasOwn(DOORS, name) ? DOORS[name] : { lacks: () => `is one of ${Object.keys(DOORS).join(', ')}` };
      const lacking = door.lacks?.(custom.doors);
      if (lacking) throw new serverless.classes.Error(`auth, or docsAuth, is '${name}': it ${lacking}`);
      if (door.authorizer) authorizers[name] = door.authorizer(custom.doors);
      if (door.route) httpApi.authorizer = door.route(custom.doors);
      else delete httpApi.authorizer;
    }
  }
  provider.httpApi.authorizers = authorizers;
  if (!authorizers.key) delete functions.authorize;
}

function setLists(serverless) {
  const { provider, custom } = serverless.service;
  const [subnetIds, securityGroupIds] = [listed(custom.doors.subnetIds), listed(custom.doors.securityGroupIds)];
  if (subnetIds.length !== 0 !== (securityGroupIds.length !== 0)) {
    throw new serverless.classes.Error('vpcSubnets and vpcSecurityGroups are given together, or neither');
  }
  if (subnetIds.length) provider.vpc = { subnetIds, securityGroupIds };
  const tags = listed(custom.doors.stackTags).map((each) => each.split(/=(.*)/s));
  if (tags.some(([name, value]) => !name || value === undefined)) {
    throw new serverless.classes.Error(`stackTags is name=value,name=value, not '${custom.doors.stackTags}'`);
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
