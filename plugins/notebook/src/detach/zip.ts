import {crc32, deflateRawSync} from 'node:zlib'

/** A zip file of these files, all of them deflated, without times: the same files give the same bytes. Paths are ASCII; at most 4 GiB in all. */
export function zip(files: Readonly<Record<string, Uint8Array>>): Buffer {
  const parts: Buffer[] = []
  const directory: Buffer[] = []
  let offset = 0
  for (const [path, content] of Object.entries(files)) {
    const name = Buffer.from(path, 'ascii')
    const data = deflateRawSync(content)
    const shared = sharedHeader(name, content, data.length)
    const local = Buffer.concat([Buffer.from('PK\u0003\u0004', 'latin1'), shared, name, data])
    directory.push(entry(shared, name, offset))
    parts.push(local)
    offset += local.length
  }
  const entries = Buffer.concat(directory)
  const end = Buffer.alloc(22)
  end.write('PK\u0005\u0006', 'latin1')
  end.writeUInt16LE(directory.length, 8)
  end.writeUInt16LE(directory.length, 10)
  end.writeUInt32LE(entries.length, 12)
  end.writeUInt32LE(offset, 16)
  return Buffer.concat([...parts, entries, end])
}

/** What a file's own header and its entry in the directory have alike: from the version needed to the length of the extra field. */
function sharedHeader(name: Buffer, content: Uint8Array, packed: number): Buffer {
  const header = Buffer.alloc(26)
  header.writeUInt16LE(20, 0)
  header.writeUInt16LE(8, 4) // deflated
  header.writeUInt16LE(0x21, 8) // 1 January 1980, the first day that there is
  header.writeUInt32LE(crc32(content), 10)
  header.writeUInt32LE(packed, 14)
  header.writeUInt32LE(content.length, 18)
  header.writeUInt16LE(name.length, 22)
  return header
}

function entry(shared: Buffer, name: Buffer, offset: number): Buffer {
  const rest = Buffer.alloc(14)
  rest.writeUInt32LE(offset, 10)
  return Buffer.concat([Buffer.from('PK\u0001\u0002', 'latin1'), Buffer.from([20, 0]), shared, rest, name])
}
