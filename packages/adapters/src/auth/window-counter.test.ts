import { expect, test } from 'vitest'
import { createWindowCounter } from './window-counter.ts'

test('counts each key by itself, until its window ends', () => {
  let time = 0
  const counter = createWindowCounter(60, () => time)
  expect([counter.take('a', 2), counter.take('a', 2), counter.take('a', 2), counter.take('b', 2)]).toEqual([
    undefined,
    undefined,
    60,
    undefined,
  ])
  time = 59.5
  expect(counter.take('a', 2)).toBe(1)
  expect(counter.take('a', 3)).toBeUndefined()
  time = 60
  expect(counter.take('a', 2)).toBeUndefined()
})

test('what was given back can be taken again, and no more than that', () => {
  const counter = createWindowCounter(60, () => 0)
  counter.give('a')
  counter.take('a', 1)
  counter.give('a')
  counter.give('a')
  expect([counter.take('a', 1), counter.take('a', 1)]).toEqual([undefined, 60])
})

test('a limit of nothing lets nothing through', () => expect(createWindowCounter(60, () => 0).take('a', 0)).toBe(60))
