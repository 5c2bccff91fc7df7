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

/** The line at which the client comes back after its connection broke, with what happens before. */
export const comesBack = /^\* (?:the connection breaks|(?<act>.+)); the client connects again$/

/**
 * How a client shows its token: by a message of the conversation, with its request, or before the
 * conversation begins.
 */
export function authenticationOf(conversation: Conversation): 'in it' | 'with the request' | 'before it' {
  if (!conversation.lines.some(line => line.includes('"msg":"connected"'))) return 'before it'
  const [[first] = []] = sentMessages(conversation)
  return first?.['action'] === 'auth' ? 'in it' : 'with the request'
}

/** Returns the messages that the client sends, connection by connection. */
export function sentMessages({ lines }: Conversation): Record<string, unknown>[][] {
  const connections: Record<string, unknown>[][] = [[]]
  for (const line of lines) {
    if (comesBack.test(line)) connections.push([])
    else if (line.startsWith('>')) connections.at(-1)?.push(JSON.parse(line.slice(2)))
  }
  return connections
}

/** What stands for a value that differs from run to run. */
const placeholders: Record<string, unknown> = {
  '<time>': expect.stringMatching(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/),
  '<number>': expect.any(Number),
  '<greater>': expect.any(Number),
  '<a second or more>': expect.toSatisfy((ms: unknown) => typeof ms === 'number' && ms >= 1000),
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
