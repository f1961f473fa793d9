// Changes one runtime record over and over until it is killed. Arguments: state folder, record's id.
import {RecordStore} from '@cgpu/core/runtime/store'

const [state = '', id = ''] = process.argv.slice(2)
const store = new RecordStore(state)
for (let round = 0; ; round++) {
  const kernel = {id: `${process.pid}-${round}`, name: 'x'.repeat(2000), language: 'python'}
  await store.update(id, (old) => ({...old, kernels: {...old.kernels, [`k${round % 50}`]: kernel}}))
  if (round === 0) process.stdout.write('writing\n')
}
