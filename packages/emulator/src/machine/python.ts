import {ensurePython, type FindContext} from '@cgpu/provider-local'

/** The Python that local runtimes would use; made when there is none. Throws what `ensurePython` throws. */
export async function machinePython(context: FindContext, options: Parameters<typeof ensurePython>[1] = {}): Promise<string> {
  return (await ensurePython(context, options)).python.executable
}
