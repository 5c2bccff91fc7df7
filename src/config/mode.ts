/** `production` by default; `development` adds the embedded log, the demo feed and generated keys. */
export const modes = ['production', 'development'] as const

export type Mode = (typeof modes)[number]
