import { defineConfig } from 'vitest/config'

// What takes longer than `npm test` may: run by hand, its last results stand in docs/long-tests.md.
export default defineConfig({
  test: {
    include: ['test/long/**/*.test.ts'],
    globalSetup: ['test/setup/shared-kafka.ts'],
    maxWorkers: 1,
    expect: { poll: { timeout: 60_000, interval: 50 } },
    testTimeout: 1_200_000,
    hookTimeout: 120_000,
  },
})
