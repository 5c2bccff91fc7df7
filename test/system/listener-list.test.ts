import { expect, test } from 'vitest'
import { ListenerList } from '../../src/system/listener-list.ts'

test('tells every listener in the order in which they were added, until it is removed', () => {
  const list = new ListenerList<number>()
  const seen: string[] = []
  const removeFirst = list.add(event => seen.push(`first ${event}`))
  list.add(event => seen.push(`second ${event}`))
  list.notify(1)
  removeFirst()
  removeFirst()
  list.notify(2)
  expect(seen).toEqual(['first 1', 'second 1', 'second 2'])
})

test('a listener that is added or removed during a call changes nothing for the others', () => {
  const list = new ListenerList<void>()
  const seen: string[] = []
  list.add(() => {
    seen.push('first')
    removeSecond()
    list.add(() => seen.push('third'))
  })
  const removeSecond = list.add(() => seen.push('second'))
  list.notify()
  expect(seen).toEqual(['first', 'second'])
})
