import fc from 'fast-check'
import { expect, test } from 'vitest'
import { type FileLine, LineSplitter } from '../../../src/commands/publish/event-lines.ts'

function split(chunks: readonly Buffer[], maxBytes = 1000): FileLine[] {
  const splitter = new LineSplitter(maxBytes)
  return [...chunks.flatMap(chunk => splitter.split(chunk)), ...splitter.rest()]
}

function texts(lines: readonly FileLine[]): (string | undefined)[] {
  return lines.map(({ bytes }) => bytes?.toString())
}

test('numbers lines from 1 and says where each ends', () => {
  const lines = split([Buffer.from('a\n\nbcd\ne')])
  expect(texts(lines)).toEqual(['a', '', 'bcd', 'e'])
  expect(lines.map(({ number, end }) => [number, end])).toEqual([
    [1, 2],
    [2, 3],
    [3, 7],
    [4, 8],
  ])
})

test('has no line after the last line feed', () => {
  expect(texts(split([Buffer.from('a\n')]))).toEqual(['a'])
  expect(split([])).toEqual([])
})

test('cuts the same lines whatever the chunks are', () => {
  fc.assert(
    fc.property(fc.array(fc.constantFrom('\n', 'a', 'bc', 'é')), fc.array(fc.nat(6)), (pieces, sizes) => {
      const whole = Buffer.from(pieces.join(''))
      const chunks: Buffer[] = []
      let at = 0
      for (const size of sizes) {
        chunks.push(whole.subarray(at, at + size))
        at += size
      }
      chunks.push(whole.subarray(at))
      expect(split(chunks)).toEqual(split([whole]))
    }),
  )
})

test('keeps nothing of a line beyond the limit, and goes on after it', () => {
  const chunks = ['ab', 'cd', 'ef\ngh', '\nabcdef\nabcd\n', 'abcde'].map(text => Buffer.from(text))
  const lines = split(chunks, 4)
  expect(texts(lines)).toEqual([undefined, 'gh', undefined, 'abcd', undefined])
  expect(lines.map(({ end }) => end)).toEqual([7, 10, 17, 22, 27])
})
