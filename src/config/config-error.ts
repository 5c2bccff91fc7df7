import { TickerError } from '../ticker-error.ts'

/** The configuration is wrong; `faults` are all that is, one line each, without any secret. */
export class ConfigError extends TickerError {
  readonly code = 'TICKER_CONFIG'
  readonly faults: readonly string[]

  constructor(faults: readonly string[]) {
    const count = faults.length === 1 ? '1 fault' : `${faults.length} faults`
    super(`${count} in the configuration:\n${faults.map(fault => `  ${fault}`).join('\n')}`)
    this.faults = faults
  }
}
