import { defineConfig } from 'vitest/config'

export default defineConfig({
  test: {
    include: ['test/**/*.test.ts'],
    exclude: ['test/long/**'],
    globalSetup: ['test/setup/shared-kafka.ts'],
    setupFiles: ['test/setup/property-time-limit.ts'],
    // Kafka and browsers share the machine with the tests.
    maxWorkers: 2,
    // No test measures time by these: they end what hangs, also where something else keeps the machine busy.
    expect: { poll: { timeout: 60_000, interval: 20 } },
    testTimeout: 180_000,
    hookTimeout: 180_000,
  },
})
