/** What the gateway does with a record, in this order. */
export const gatewayStages = ['fetch', 'decode', 'parse', 'validate', 'encode'] as const

export type GatewayStage = (typeof gatewayStages)[number]
