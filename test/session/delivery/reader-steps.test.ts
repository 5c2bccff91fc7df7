import { expect, test } from 'vitest'
import {
  type ReaderEvent,
  type ReaderStateName,
  type ReaderStep,
  readerSteps,
} from '../../../src/session/delivery/reader-steps.ts'

/** State and action for each event (rows) in each state (columns); `-` is the state that it was. */
const table = `
event       live               planning          catchingUp        rejoining
select      - join             -                 - rewind          catchingUp rewind
resume      planning plan      -                 -                 -
planned     -                  catchingUp begin  -                 -
refused     -                  live              -                 -
congested   catchingUp leave   -                 -                 -
forgotten   catchingUp leave   -                 -                 -
unprepared  rejoining leave    -                 -                 -
level       -                  -                 rejoining         -
overtaken   -                  -                 -                 catchingUp
joined      -                  -                 -                 live
end         ended              ended             ended             ended
`
  .trim()
  .split('\n')
  .map(line => line.split(/ {2,}/))

const [[, ...states], ...rows] = table as [string[], ...string[][]]

const cells = rows.flatMap(([event = '', ...cellsOfEvent]) =>
  cellsOfEvent.map((cell, index) => [states[index] as ReaderStateName, event as ReaderEvent, cell] as const),
)

function describeStep(state: ReaderStateName, { to, action }: ReaderStep): string {
  return [to === state ? '-' : to, action].filter(part => part !== undefined).join(' ')
}

test.each(cells)('%s, %s: %s', (state, event, cell) => {
  expect(describeStep(state, readerSteps[state][event])).toBe(cell)
})

test('every event of every state is in the table, and none leaves the end', () => {
  expect(cells).toHaveLength((Object.keys(readerSteps).length - 1) * Object.keys(readerSteps.ended).length)
  for (const step of Object.values(readerSteps.ended)) expect(step).toEqual({ to: 'ended' })
})

const allSteps = Object.entries(readerSteps).flatMap(([from, steps]) =>
  Object.entries(steps).map(([event, step]) => ({ from, event, ...step })),
)
const isBehind = (state: string): boolean => state === 'catchingUp' || state === 'rejoining'

test('a step into a state that holds something new names the action that makes it', () => {
  for (const { from, event, to, action } of allSteps) {
    const isMade = to === 'planning' ? from !== to : isBehind(to) && !isBehind(from)
    const makes = action === 'plan' || action === 'begin' || action === 'leave'
    expect(makes, `${from}, ${event}`).toBe(isMade)
  }
})

test('only a reader that reached the feed, or was refused at its start, becomes live', () => {
  const ways = allSteps.filter(({ from, to }) => to === 'live' && from !== to)
  expect(ways.map(({ from, event }) => `${from}, ${event}`)).toEqual([
    'planning, refused',
    'rejoining, joined',
  ])
})
