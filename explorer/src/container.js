// Reads what sklearn_carto/_explorer/_container.py packs: a header and compressed arrays.

const TYPES = {
  u1: Uint8Array, u2: Uint16Array, u4: Uint32Array, i1: Int8Array, i2: Int16Array, i4: Int32Array,
  f4: Float32Array, f8: Float64Array,
};

async function gunzip(bytes) {
  const stream = new Blob([bytes]).stream().pipeThrough(new DecompressionStream("gzip"));
  return new Uint8Array(await new Response(stream).arrayBuffer());
}

export async function openContainer(bytes) {
  if (String.fromCharCode(...bytes.subarray(0, 4)) !== "SCX1") throw new Error("The data of the page are damaged.");
  const length = new DataView(bytes.buffer, bytes.byteOffset).getUint32(4, true);
  const start = 8 + length;
  const header = JSON.parse(new TextDecoder().decode(await gunzip(bytes.subarray(8, start))));
  const places = new Map(Object.entries(header.blocks));
  const read = async (name) => {
    const place = places.get(name);
    let at = start + place.offset;
    const parts = place.lengths.map((length) => bytes.subarray(at, (at += length)));
    if (place.type === "bytes") return parts[0];
    return fromPlanes(await Promise.all(parts.map(gunzip)), TYPES[place.type]);
  };
  return { header, read, has: (name) => places.has(name) };
}

function fromPlanes(planes, Type) {
  const width = planes.length, n = planes[0].length;
  if (width === 1) return new Type(planes[0].buffer, 0, n);
  if (width === 4) {
    const words = new Uint32Array(n), [a, b, c, d] = planes;
    for (let i = 0; i < n; i++) words[i] = a[i] | (b[i] << 8) | (c[i] << 16) | (d[i] << 24);
    return new Type(words.buffer);
  }
  const bytes = new Uint8Array(n * width);
  planes.forEach((plane, k) => { for (let i = 0, to = k; i < n; i++, to += width) bytes[to] = plane[i]; });
  return new Type(bytes.buffer);
}

// Bytes of the printable characters of sklearn_carto/_explorer/_page.py: 13 bits for two of them.
export function fromCharacters(text) {
  const places = new Uint8Array(128);
  for (let code = 0x21, i = 0; code < 0x7f; code++) if (!"<>&".includes(String.fromCharCode(code))) places[code] = i++;
  const bytes = new Uint8Array((text.length / 16) * 13);
  let held = 0, n = 0, at = 0;
  for (let i = 0; i < text.length; i += 2) {
    held |= (places[text.charCodeAt(i)] + 91 * places[text.charCodeAt(i + 1)]) << n;
    n += 13;
    while (n >= 8) { bytes[at++] = held & 255; held >>>= 8; n -= 8; }
  }
  return bytes;
}
