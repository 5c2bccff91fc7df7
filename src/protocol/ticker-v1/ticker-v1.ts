import type { Dialect } from '../dialect.ts'
import { parseCommand, parseSubscription } from './parse-command.ts'
import { openMessage, spellMessage } from './spell-message.ts'

/** The dialect of `ticker.v1.json` and `ticker.v1.tape` (`PROTOCOL.md`). */
export const tickerV1: Dialect = {
  parse: parseCommand,
  parseSubscription,
  spell: spellMessage,
  open: openMessage,
}
