'use strict';
// `serverless invoke local` and `serverless offline` run the handlers on this machine: with the checkout's own
// Python, and with models from the environment (MODEL_URI, MODELS_URI) or from build/, where a deployment names its
// bucket. Other settings of a function come from the environment, too, if they are set there.

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

  const build = pathToFileURL(path.join(serverless.serviceDir, 'build', path.sep)).href;
  const defaults = { MODEL_URI: `${build}model.onnx`, MODELS_URI: build, CAPTURE_URI: '' };
  const invoked = serverless.processedInput.options.function;
  for (const [name, { environment = {} }] of Object.entries(serverless.service.functions)) {
    for (const [variable, value] of Object.entries(environment)) {
      if (typeof value !== 'object') {
        environment[variable] = process.env[variable] || String(value);
        continue;
      }
      environment[variable] = process.env[variable] || (defaults[variable] ?? null);
      if (environment[variable] === null && name === invoked) {
        throw new serverless.classes.Error(`${name} runs here with ${variable} set, for example to s3://bucket/${name}/`);
      }
    }
  }
}

module.exports = ServerlessLocal;
