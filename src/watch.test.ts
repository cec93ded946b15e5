import { expect, test } from 'vitest'
import { warmUp } from './watch.ts'

test('warming up finds its own made-up scans', () => {
  expect(warmUp).not.toThrow()
})
