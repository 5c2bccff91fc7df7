import * as fc from 'fast-check'

/**
 * On a busy machine a property tries fewer cases instead of failing by the clock; what it tried has to hold.
 */
fc.configureGlobal({ interruptAfterTimeLimit: 30_000 })
