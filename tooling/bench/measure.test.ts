import { expect, test } from 'vitest'
import { interleave, toMedian, toPercentile } from './measure.ts'

test('medians and percentiles', () => {
  expect(toMedian([3, 1, 2])).toBe(2)
  expect(toMedian([4, 1, 2, 3])).toBe(2.5)
  expect(toPercentile([1, 2, 3, 4, 5], 95)).toBeCloseTo(4.8)
  expect(toMedian([])).toBeNaN()
})

test('variants take turns', async () => {
  const order: string[] = []
  const results = await interleave(2, { ours: async () => order.push('ours'), limit: async () => order.push('limit') })
  expect(order).toEqual(['ours', 'limit', 'ours', 'limit'])
  expect(results.ours).toEqual([1, 3])
})
