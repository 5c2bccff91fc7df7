#!/usr/bin/env node
import './check-node.cjs'

// By its address, so that nothing reads it before the check.
await import(new URL('../src/main.ts', import.meta.url).href)
