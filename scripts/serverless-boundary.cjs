'use strict';
// No role of the stack goes beyond the policy in provider.iam.role.permissionsBoundary: the framework gives it to the role
// that it makes itself, and here each has one of its own.

class ServerlessBoundary {
  constructor(serverless) {
    this.hooks = { 'after:aws:package:finalize:mergeCustomProviderResources': () => bound(serverless.service.provider) };
  }
}

function bound(provider) {
  const boundary = provider.iam?.role?.permissionsBoundary;
  if (!boundary) return;
  for (const resource of Object.values(provider.compiledCloudFormationTemplate.Resources)) {
    if (resource.Type === 'AWS::IAM::Role') resource.Properties.PermissionsBoundary = boundary;
  }
}

module.exports = ServerlessBoundary;
