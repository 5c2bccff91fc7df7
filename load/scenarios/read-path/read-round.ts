/** What the gateway does with a record, in this order. */
export const gatewayStages = ['fetch', 'decode', 'validate', 'encode'] as const

export type GatewayStage = (typeof gatewayStages)[number]

/** `validate` for events of which none looks like another, and the UTF-8 and `JSON.parse` in it. */
export type AsideStage = 'unfamiliar' | 'parse'

/** CPU in µs, of the gateway's own stages or of those measured aside. */
export type StagesUs<Stage extends string = GatewayStage> = Readonly<Record<Stage, number>> & {
  readonly events: number
}

/** CPU of kafkajs in µs. */
export interface KafkajsUs {
  /** Records to objects; with the network, except by its decoder alone. */
  readonly decode: number
  /** `JSON.parse` of the values. */
  readonly parse: number
  readonly events: number
}

/** Every way to read, once. */
export interface ReadRound {
  readonly ours: StagesUs
  readonly aside: StagesUs<AsideStage>
  readonly byFetch: KafkajsUs
  readonly byGroup: KafkajsUs
  readonly decoder: KafkajsUs
}
