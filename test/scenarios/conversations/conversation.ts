import { readFileSync } from 'node:fs'
import { expect } from 'vitest'
import { isNodeName, type NodeName } from './conversation-gateway.ts'
import type { Message } from '../../support/form-reader.ts'

/** A conversation of PROTOCOL.md. */
export interface Conversation {
  readonly name: string
  readonly symbols: '*' | string[]
  readonly lifetimeS: number
  /** The node that it is held with. */
  readonly node: NodeName
  readonly lines: readonly string[]
}

export const protocol = readFileSync(new URL('../../../PROTOCOL.md', import.meta.url), 'utf8')

export const conversations: readonly Conversation[] = [
  ...protocol.matchAll(/```conversation ([^\n(]+?)(?: \((symbols|lifetime|node): ([^)]+)\))?\n(.*?)```/gs),
].map(([, name = '', what, value = '', text = '']) => ({
  name,
  symbols: what === 'symbols' ? value.split(', ') : '*',
  lifetimeS: what === 'lifetime' ? Number(value) : 3600,
  node: isNodeName(value) ? value : 'shared',
  lines: text.trim().split('\n'),
}))

/** The line at which the client comes back after its connection broke. */
export const comesBack = '* the connection breaks; the client connects again'

/** Whether a conversation begins before authentication; the others begin after it. */
export function isUnauthenticated({ lines }: Conversation): boolean {
  return lines.some(line => line.includes('"msg":"connected"'))
}

/** Returns the messages that the client sends, connection by connection. */
export function sentMessages({ lines }: Conversation): Record<string, unknown>[][] {
  const connections: Record<string, unknown>[][] = [[]]
  for (const line of lines) {
    if (line === comesBack) connections.push([])
    else if (line.startsWith('>')) connections.at(-1)?.push(JSON.parse(line.slice(2)))
  }
  return connections
}

/** What stands for a value that differs from run to run. */
const placeholders: Record<string, unknown> = {
  '<time>': expect.stringMatching(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/),
  '<number>': expect.any(Number),
  '<text>': expect.any(String),
  '<moved>': expect.any(Array),
  '<positions>': expect.arrayContaining([[expect.any(Number), expect.any(Number)]]),
  '<partitions>': expect.arrayContaining([
    {
      topic: expect.stringMatching(/trades$/),
      epoch: expect.any(String),
      partition: 0,
      number: expect.any(Number),
      positions: expect.stringMatching(/^[0-9a-z]+(,[0-9a-z]+)*$/),
    },
  ]),
}

/** Returns the messages of a line, with matchers where it has placeholders. */
export function expectedMessages(text: string): Message[] {
  return JSON.parse(text, (_key, value: unknown) =>
    typeof value === 'string' && value in placeholders ? placeholders[value] : value,
  ) as Message[]
}
