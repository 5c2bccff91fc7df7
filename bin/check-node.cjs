// Loaded before anything that an older Node cannot read, so it has to stay readable for every Node itself.
'use strict'

const least = Number(require('../package.json').engines.node.replace('>=', ''))
if (!(Number(process.versions.node.split('.')[0]) >= least)) {
  process.stderr.write(
    'ticker-gateway: this is Node ' +
      process.versions.node +
      ' (' +
      process.execPath +
      '), and Node ' +
      least +
      ' or later is needed. npm ci brings it along: ' +
      'start by npm (npm start, npm run gateway), or put node_modules/.bin first in PATH.\n',
  )
  process.exit(2)
}
