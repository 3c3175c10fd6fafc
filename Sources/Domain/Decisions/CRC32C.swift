// The checksum of frames and headers: CRC-32C (Castagnoli), as in RFC 3720 §B.4.

/// Eight bytes a step by eight tables (Kounavis and Berry 2005), because the processor's own instruction is out of plain Swift's reach.
package enum CRC32C {
    private static let tables: [UInt32] = {
        var tables = [UInt32](repeating: 0, count: 8 * 256)
        for byte in 0..<256 {
            var value = UInt32(byte)
            for _ in 0..<8 { value = value & 1 == 1 ? value >> 1 ^ 0x82f6_3b78 : value >> 1 }
            tables[byte] = value
        }
        for index in 256..<8 * 256 { tables[index] = tables[index - 256] >> 8 ^ tables[Int(tables[index - 256] & 0xff)] }
        return tables
    }()

    /// `earlier` is the checksum of the bytes before these, when they come in pieces.
    package static func of(_ bytes: UnsafeRawBufferPointer, after earlier: UInt32 = 0) -> UInt32 {
        tables.withUnsafeBufferPointer { tables in
            var value = ~earlier
            var index = 0
            while bytes.count - index >= 8 {
                let word = UInt64(littleEndian: bytes.loadUnaligned(fromByteOffset: index, as: UInt64.self)) ^ UInt64(value)
                value = 0
                for step in 0..<8 { value ^= tables[(7 - step) * 256 + Int(word >> (8 * UInt64(step)) & 0xff)] }
                index += 8
            }
            while index < bytes.count {
                value = value >> 8 ^ tables[Int((value ^ UInt32(bytes[index])) & 0xff)]
                index += 1
            }
            return ~value
        }
    }

    package static func of(_ bytes: [UInt8]) -> UInt32 { bytes.withUnsafeBytes { of($0) } }
}
