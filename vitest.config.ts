import { fileURLToPath } from 'node:url'
import { defineConfig } from 'vitest/config'

/** Daemons and commands of tests are many, and start in half the time when Node finds what it compiled before. */
const NODE_COMPILE_CACHE = fileURLToPath(new URL('node_modules/.cache/compiled', import.meta.url))

/** unit runs anywhere in seconds; kernel and e2e need root, and run one file at a time: they share the machine. */
export default defineConfig({
  test: {
    // A condition that is waited for comes true late on a slow machine.
    expect: { poll: { timeout: 15_000 } },
    // For the processes that tests start: not for the tests themselves, whose coverage has to be exact.
    env: { NODE_COMPILE_CACHE },
    coverage: {
      provider: 'v8',
      include: ['src/**/*.ts'],
      exclude: ['src/main.ts', 'src/web.ts', 'src/cli.ts', 'src/**/*.test.ts'],
      reporter: ['text-summary'],
      reportsDirectory: 'coverage',
    },
    projects: [
      {
        extends: true,
        test: {
          name: 'unit',
          include: ['src/**/*.test.ts', 'web/src/**/*.test.ts', 'test/replay/**/*.test.ts'],
          // Hours of packets in one test take seconds, and more while coverage counts.
          testTimeout: 60_000,
        },
      },
      {
        extends: true,
        test: {
          name: 'kernel',
          include: ['test/kernel/**/*.test.ts'],
          fileParallelism: false,
          testTimeout: 240_000,
          hookTimeout: 120_000,
          sequence: { groupOrder: 1 },
        },
      },
      {
        extends: true,
        test: {
          name: 'e2e',
          include: ['test/e2e/**/*.test.ts'],
          fileParallelism: false,
          testTimeout: 300_000,
          hookTimeout: 180_000,
          sequence: { groupOrder: 2 },
        },
      },
    ],
  },
})
