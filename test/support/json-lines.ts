/** Values as a file of JSON lines, or a body of NDJSON, holds them. */
export function jsonLines(values: readonly object[]): string {
  return values.map(value => `${JSON.stringify(value)}\n`).join('')
}
