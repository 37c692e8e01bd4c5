/** For routes that browsers and other servers come to by an address: they have no API key. */
export const OPEN = { config: { isOpen: true } }
