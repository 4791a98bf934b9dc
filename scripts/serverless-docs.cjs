'use strict';
// `serverless info` and `serverless deploy` show first where the page is on which the model is tried.

class ServerlessDocs {
  constructor(serverless) {
    this.hooks = { 'before:aws:info:displayServiceInfo': () => showPage(serverless) };
  }
}

function showPage(serverless) {
  const gathered = serverless.pluginManager?.plugins?.map((plugin) => plugin.gatheredData).find((data) => data?.outputs);
  const page = gathered?.outputs.find((output) => output.OutputKey === 'Docs');
  if (page) serverless.serviceOutputs?.set('page', page.OutputValue);
}

module.exports = ServerlessDocs;
