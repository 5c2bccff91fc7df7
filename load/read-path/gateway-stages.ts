/** What the gateway does with a record, in this order. */
export const gatewayStages = ['fetch', 'decode', 'validate', 'encode'] as const

export type GatewayStage = (typeof gatewayStages)[number]

/** What `validate` would be for events of which none looks like another, and the part of that which is not ours. */
export type AsideStage = 'unfamiliar' | 'parse'
