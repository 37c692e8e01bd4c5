export { createAddressGuard, type AddressGuard, type AddressGuardOptions } from './address-guard.ts'
export {
  createOutgoingClient,
  type OutgoingAnswer,
  type OutgoingClient,
  type OutgoingClientOptions,
  type OutgoingRequest,
} from './outgoing-client.ts'
export { createOutgoingAgents, type OutgoingAgents } from './outgoing-agents.ts'
export { isPublicAddress } from './public-address.ts'
