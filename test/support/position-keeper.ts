import { readFileSync } from 'node:fs'
import { runInNewContext } from 'node:vm'
import type { Message } from './form-reader.ts'

/** The client of PROTOCOL.md §8 that keeps positions. */
export interface PositionKeeper {
  readonly receive: Readonly<Record<string, ((message: Message) => void) | undefined>>
  readonly cursor: () => object
}

const protocol = readFileSync(new URL('../../PROTOCOL.md', import.meta.url), 'utf8')

/** Returns the JavaScript of the document, as it stands there. */
export function createPositionKeeper(): PositionKeeper {
  const [code = ''] = /^ +let topics = .*?(?=\n\n)/ms.exec(protocol) ?? []
  return runInNewContext(`${code}\n;({ receive, cursor })`) as PositionKeeper
}
