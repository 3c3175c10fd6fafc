// What the tests of this room share: bytes made and read, and contracts as text.
import Contracts
import Decisions
import Inference
import Primitives
import Testing
import YAMLDocuments

func bytes(of frame: LogFrame) -> [UInt8] {
    var bytes: [UInt8] = []
    frame.append(to: &bytes)
    return bytes
}

func read(_ bytes: [UInt8], at offset: Int, due: UInt64?) -> FrameReading { bytes.withUnsafeBytes { LogFrame.read($0, at: offset, due: due) } }

func read(header bytes: [UInt8]) throws -> SegmentHeader { try bytes.withUnsafeBytes { try SegmentHeader.read($0) } }

func littleEndian(_ value: some FixedWidthInteger) -> [UInt8] { withUnsafeBytes(of: value.littleEndian) { Array($0) } }

func flipped(_ bytes: [UInt8], _ bit: Int) -> [UInt8] {
    var bytes = bytes
    bytes[bit / 8] ^= 1 << UInt8(bit % 8)
    return bytes
}

/// A header that was changed, with the checksum that fits.
func sealed(_ header: [UInt8]) -> [UInt8] { header.dropLast(4) + littleEndian(CRC32C.of(Array(header.dropLast(4)))) }

/// SplitMix64.
struct SeededGenerator: RandomNumberGenerator {
    var state: UInt64

    mutating func next() -> UInt64 {
        state &+= 0x9e37_79b9_7f4a_7c15
        var z = state
        z = (z ^ (z >> 30)) &* 0xbf58_476d_1ce4_e5b9
        z = (z ^ (z >> 27)) &* 0x94d0_49bb_1331_11eb
        return z ^ (z >> 31)
    }
}

func contract(_ properties: String) throws -> DataContract {
    let text = """
        apiVersion: v3.1.0
        kind: DataContract
        id: t
        version: 1.0.0
        status: active
        schema:
          - name: rows
            properties:
        \(properties.split(separator: "\n").map { "      " + $0 }.joined(separator: "\n"))
        """
    return try DataContract.read(YAMLDocumentParser().parse(Array(text.utf8), file: "test.yaml"))
}

extension RecordProjection {
    /// The recorded fields as text, and the entity's hash.
    func project(_ request: String) throws -> (fields: String, entity: KeyedHash?) {
        var buffer = Array("before".utf8)
        let entity = try Array(request.utf8).withUnsafeBytes { try append($0, to: &buffer) }
        try #require(buffer.starts(with: Array("before".utf8)))
        return (String(decoding: buffer.dropFirst(6), as: UTF8.self), entity)
    }
}

/// The bytes 0 to 31.
func knownKey() throws -> RecordKey { try #require(RecordKey(bytes: Array(0..<32))) }
