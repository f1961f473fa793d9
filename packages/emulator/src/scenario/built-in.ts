import type {ScenarioInput} from './schema.ts'

/** The scenarios that come with the emulator, by name. */
export const builtInScenarios: Record<string, ScenarioInput> = {
  plain: {about: 'nothing goes wrong'},
  'capacity-ladder': {
    about: 'no A100 is free, no L4, one T4',
    world: {capacity: {A100: 0, L4: 0, T4: 1}},
  },
  quota: {
    about: 'the balance ends soon: a T4 is taken away after half an hour, and the next one is refused',
    accounts: [
      {email: 'me@example.com', name: 'Me Example', tier: 'pro', balance: 0.6, freeQuota: {remaining: 0, units: 0}, eligible: {GPU: ['T4', 'L4'], TPU: []}, ineligible: {GPU: ['A100', 'H100'], TPU: []}},
    ],
  },
  'token-expiry': {
    about: 'tokens live five minutes, refresh tokens rotate, and sockets end with their token',
    world: {accessTokenTtl: 300, proxyTokenTtl: 300, rotateRefreshTokens: true},
    machines: {closeExpiredSockets: true},
  },
  reclaim: {
    about: 'every machine is taken away ten minutes after the start, and again after an hour',
    timeline: [{at: '10m', reclaim: '*'}, {at: '1h', reclaim: '*'}],
  },
  'flaky-network': {
    about: 'one call in ten is reset, one in ten comes late, one in fifty loses its answer',
    faults: [
      {id: 'reset', match: {probability: 0.1}, do: {drop: 'before'}},
      {id: 'late', match: {probability: 0.1}, do: {latency: '400ms'}},
      {id: 'lost-answer', match: {site: 'control', probability: 0.02}, do: {drop: 'after'}},
      {id: 'busy', match: {site: 'control', probability: 0.05}, do: {status: 503, retryAfter: 1}},
    ],
  },
}
