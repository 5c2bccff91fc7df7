/** The consolidated tape of a listing market: `A` NYSE, `B` Arca, Cboe and the rest, `C` Nasdaq. */
export type ListingTape = 'A' | 'B' | 'C'

/** The constant properties of one symbol. */
export interface Instrument {
  readonly symbol: string
  readonly tape: ListingTape
  /** The level to which the price keeps returning, in whole cents. */
  readonly levelCents: number
  /** The annual standard deviation of its returns, as a fraction. */
  readonly volatility: number
  /** The correlation of its returns with the market's. */
  readonly correlation: number
}

/** The correlation of most companies; the table states only different ones. */
export const usualCorrelation = 0.6

/**
 * Symbol, tape, price in dollars, annual volatility in per cent and, for funds, the correlation with the
 * market; the most active first. The names are real, the figures are roughly those of the mid 2020s.
 */
const table = `
AAPL C 268.50 27, MSFT C 508.30 23, NVDA C 186.40 42, AMZN C 229.60 31, GOOGL C 281.20 30,
META C 631.80 35, TSLA C 428.70 58, SPY B 671.40 14 .99, QQQ C 611.60 20 .96, AMD C 234.90 54,
PLTR C 178.30 62, AVGO C 347.20 46, INTC C 37.60 52, NFLX C 109.80 32, IWM B 242.10 21 .9,
TQQQ C 54.30 60 .96, SOXL B 42.80 95 .85, SOFI C 28.40 58, MU C 238.60 52, COIN C 305.70 72,
MSTR C 232.40 80, HOOD C 131.50 70, BAC A 53.20 25, F A 13.30 34, SMCI C 39.80 78,
SQQQ C 13.70 60 -.96, MARA C 14.90 88, GOOG C 281.90 30, JPM A 310.40 23, XLF B 52.70 18 .86,
T A 25.60 20, PFE A 24.70 24, NIO A 6.90 65, BABA A 163.20 42, RIVN C 15.40 66,
TLT C 89.90 14 -.2, HYG B 80.60 5 .7, GLD B 376.30 17 .1, SLV B 45.90 32 .15, EEM B 54.80 17 .75,
WMT C 102.40 20, ORCL A 238.80 44, UBER A 92.60 36, XOM A 117.10 23 .4, CSCO C 73.90 22,
DIS A 110.80 27, C A 100.70 28, WFC A 86.30 26, BA A 194.50 34, UNH A 322.90 38,
PLUG C 2.70 98, SNAP A 8.30 62, AAL C 13.20 48, CCL A 26.40 44, LCID C 17.80 75,
RIOT C 15.60 85, IONQ A 49.80 95, OPEN C 7.10 120, NOK A 6.70 34, VALE A 12.20 34,
XLE B 89.70 22 .5, KRE B 60.40 27 .75, FXI B 39.60 27 .5, GDX B 76.90 38 .2, ARKK B 80.50 42 .85,
SMH C 352.70 33 .85, XLK B 288.60 22 .94, DIA B 473.20 14 .95, VXX B 35.10 75 -.8, UVXY B 11.60 110 -.8,
KO A 71.20 15 .3, PEP C 144.90 18 .3, JNJ A 193.40 17 .3, PG A 146.80 17 .3, MRK A 92.70 25,
CVX A 155.30 23 .4, ABBV A 229.60 23, LLY A 1012.40 34, V A 336.70 20, MA A 547.90 21,
COST C 913.60 21, HD A 371.40 22, LOW A 236.20 23, NKE A 63.90 34, SBUX C 85.70 30,
QCOM C 173.40 34, TXN C 162.80 30, AMAT C 231.70 40, LRCX C 158.40 44, MRVL C 89.60 60,
ARM C 152.30 60, TSM A 288.70 38, ASML C 1021.50 36, CRM A 243.60 32, ADBE C 330.20 31,
NOW A 854.70 34, SNOW A 268.40 44, CRWD C 538.60 42, PANW C 206.70 34, SHOP C 157.80 52,
PYPL C 66.30 36, XYZ A 65.40 50, ROKU C 101.20 54, RBLX A 101.90 52, U A 37.60 68,
DKNG C 32.40 46, ABNB C 120.30 32, DAL A 58.90 40, UAL C 96.40 44, GM A 70.60 34,
GE A 304.50 30, CAT A 571.80 30, DE A 470.20 28, HON C 199.30 20, LMT A 468.90 22 .3,
RTX A 175.60 22, UPS A 95.80 28, FDX A 266.40 30, CVS A 79.30 32, BMY A 47.20 24,
AMGN C 338.70 24, GILD C 125.40 24, MRNA C 25.30 62, BNTX C 102.60 44, REGN C 698.50 32,
VZ A 40.90 19 .3, TMUS C 214.70 23, CMCSA C 27.60 27, WBD C 22.80 46, PSKY C 15.70 50,
GS A 785.30 27, MS A 164.20 27, SCHW A 94.60 26, BLK A 1062.70 26, AXP A 357.40 27,
COF A 217.60 33, USB A 47.30 26, PNC A 184.90 25, TFC A 45.20 27, KEY A 17.90 32,
RF A 24.40 30, HBAN C 15.80 30, BRK.B A 504.60 15, MET A 78.30 24, AIG A 76.90 23,
NEM A 88.40 38 .2, FCX A 40.30 40, AA A 37.20 52, CLF A 11.80 66, X A 41.60 40,
OXY A 41.70 33 .4, SLB A 36.50 34 .5, HAL A 27.40 37 .5, KMI A 26.80 20 .4, DVN A 34.60 35 .4,
COP A 89.30 30 .4, MPC A 195.40 32 .4, VLO A 178.60 34 .4, PBR A 12.40 34, ITUB A 7.40 30,
ABEV A 2.50 28, BBD A 3.60 34, GRAB C 5.60 44, SNDL C 2.10 70, AMC A 2.60 78,
GME A 21.80 60, CHPT A 10.40 82, RUN C 19.40 85, ENPH C 31.60 66, FSLR C 258.40 56,
NEE A 83.20 25 .3, DUK A 123.60 16 .2, SO A 90.40 16 .2, D A 60.70 20 .2, AEP C 120.80 18 .2,
USO B 71.30 33 .3, UNG B 13.40 56 .1, EFA B 95.60 15 .85, VOO B 617.20 14 .99, VTI B 329.70 14 .99,
XLV B 150.30 15 .65, XLI B 153.90 17 .88, XLP B 77.60 12 .5, XLU B 88.70 17 .35, XLY B 236.40 21 .9,
XLC B 114.60 19 .88, XLB B 87.90 18 .8, XLRE B 41.60 18 .6, XBI B 112.40 28 .6, XOP B 131.80 31 .45,
XRT B 80.60 26 .8, GDXJ B 98.40 42 .2, LQD B 111.30 7 .3, KWEB B 38.70 33 .45, SCHD B 27.10 14 .8,
IBIT C 58.60 50 .45, BITO B 17.30 50 .45, JETS B 25.80 28 .75, ITB B 97.60 27 .6, SOXS B 4.60 95 -.85,
ZS C 312.60 40, DDOG C 183.40 46, NET A 226.70 52, OKTA C 85.30 40, MDB C 358.20 56,
TEAM C 155.60 44, WDAY C 230.40 34, INTU C 655.80 28, SNPS C 392.60 40, CDNS C 325.40 34,
KLAC C 1187.30 40, NXPI C 201.60 38, ON C 48.30 50, MCHP C 55.60 46, ADI C 232.70 32,
WDC C 158.40 56, STX C 262.80 50, DELL A 134.60 50, HPQ A 25.70 34, HPE A 23.40 42,
IBM A 306.20 26, ACN A 245.80 28, CTSH C 73.60 26, FTNT C 82.40 40, ANET A 135.20 50,
MELI C 2087.40 40, SPOT A 637.60 42, SE A 138.70 52, JD C 30.40 42, PDD C 130.80 44,
BIDU C 121.60 48, LI C 20.30 52, XPEV A 23.60 60, NTES C 138.40 36, TME A 21.70 42,
DASH C 204.60 40, LYFT C 22.40 58, CVNA A 318.70 70, CHWY A 35.60 46, ETSY A 57.30 54,
EBAY C 85.40 32, TGT A 90.60 34, DG A 101.80 36, DLTR C 104.60 38, KR A 65.70 24 .3,
MCD A 305.60 17 .4, CMG A 31.40 36, YUM A 148.70 20, MAR C 290.40 26, HLT A 271.30 26,
LVS A 64.80 36, WYNN C 122.60 38, MGM A 33.20 38, RCL A 262.70 42, NCLH A 18.60 50,
MO A 57.90 18 .2, PM A 152.60 22 .2, KHC C 24.80 20 .3, MDLZ C 56.90 20 .3, GIS A 47.60 22 .2,
CL A 78.60 18 .3, KMB C 103.40 22 .3, EL A 89.60 46, ULTA C 528.40 36, LULU C 169.30 44,
ABT A 129.40 20, MDT A 96.30 20, TMO A 566.80 28, DHR A 217.60 28, ISRG C 565.40 32,
BSX A 98.70 24, SYK A 360.40 22, ZTS A 120.60 28, VRTX C 432.60 30, BIIB C 163.40 34,
MMM A 168.70 26, EMR A 130.60 28, ETN A 365.40 36, ITW A 243.80 20, PH A 846.20 28,
GD A 342.60 20, NOC A 572.40 22, TDG A 1316.50 28, GWW A 951.60 26, URI A 846.30 38,
SHW A 339.60 25, APD A 257.40 28, LIN C 424.60 20, ECL A 258.70 20, NUE A 147.30 36,
SPG A 182.40 24, PLD A 125.60 28, AMT A 178.90 26, EQIX C 812.60 28, O A 56.80 18,
MTD A 1418.60 32, FICO A 1712.40 38, CHTR C 208.60 48, ORLY C 98.40 22, AZO A 3478.00 24`

/** The instruments of the demo market, the most active first. */
export function listInstruments(): readonly Instrument[] {
  return table.split(',').map(row => {
    const [symbol = '', tape, price, volatility, correlation] = row.trim().split(' ')
    return {
      symbol,
      tape: tape === 'A' || tape === 'B' ? tape : 'C',
      levelCents: Math.round(Number(price) * 100),
      volatility: Number(volatility) / 100,
      correlation: correlation === undefined ? usualCorrelation : Number(correlation),
    }
  })
}

/**
 * Returns a symbol's share of the activity by its rank: Zipf's law with an offset (Mandelbrot's), so that the
 * first symbol has about a seventh of all events and the last of 300 one in some 20,000.
 */
export function activityWeight(rank: number): number {
  return (rank + 8) ** -2.2
}
