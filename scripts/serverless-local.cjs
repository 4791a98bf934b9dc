'use strict';
// `serverless invoke local` and `serverless offline` run the handlers on this machine: with the checkout's own
// Python, and with a model from the environment (MODEL_URI) or from build/, where a deployment names its bucket.

const fs = require('node:fs');
const path = require('node:path');
const { pathToFileURL } = require('node:url');

class ServerlessLocal {
  constructor(serverless) {
    const commands = serverless.processedInput.commands.join(' ');
    const local = commands === 'invoke local' || commands.startsWith('offline');
    this.hooks = local ? { initialize: () => prepare(serverless) } : {};
  }
}

function prepare(serverless) {
  const venv = path.join(serverless.serviceDir, '.venv');
  if (fs.existsSync(venv)) process.env.VIRTUAL_ENV = venv;

  const defaults = { MODEL_URI: pathToFileURL(path.join(serverless.serviceDir, 'build', 'model.onnx')).href };
  for (const { environment = {} } of Object.values(serverless.service.functions)) {
    for (const [name, value] of Object.entries(environment)) {
      if (typeof value === 'string') continue;
      environment[name] = process.env[name] || defaults[name] || null;
    }
  }
}

module.exports = ServerlessLocal;
