// The first bytes of a segment: what it is, whose, and where it begins.
package import Primitives

/// Layout, frozen, 96 bytes, integers little-endian: magic, format u32, first sequence u64, length of the node's name u8, the name padded with
/// zeros to 71 bytes, CRC-32C u32 of all that.
package struct SegmentHeader: Hashable, Sendable {
    package static let bytes = 96
    package static let format: UInt32 = 1
    private static let magic = Array("PENSTOCK".utf8)
    private static let nameStart = 21

    /// The sequence of the segment's first frame.
    package var first: UInt64
    package var node: NodeID

    package init(first: UInt64, node: NodeID) {
        self.first = first
        self.node = node
    }

    package var encoded: [UInt8] {
        var bytes = Self.magic
        bytes.append(littleEndian: Self.format)
        bytes.append(littleEndian: first)
        bytes.append(UInt8(node.text.utf8.count))
        bytes += node.text.utf8
        bytes += [UInt8](repeating: 0, count: Self.bytes - 4 - bytes.count)
        bytes.append(littleEndian: CRC32C.of(bytes))
        return bytes
    }

    package enum Defect: Error, Hashable, Sendable, CustomStringConvertible {
        case truncated
        case corrupt
        /// Sound, but of a format that this program does not read.
        case unknownFormat(UInt32)

        package var description: String {
            switch self {
            case .truncated: "the header is cut off"
            case .corrupt: "the header does not have its checksum"
            case .unknownFormat(let format): "the segment has format \(format), and this program reads \(SegmentHeader.format): use the version that wrote it"
            }
        }
    }

    package static func read(_ bytes: UnsafeRawBufferPointer) throws(Defect) -> SegmentHeader {
        guard bytes.count >= Self.bytes else { throw .truncated }
        let sealed = UnsafeRawBufferPointer(rebasing: bytes[..<(Self.bytes - 4)])
        guard sealed.starts(with: magic), CRC32C.of(sealed) == bytes.littleEndian(UInt32.self, at: Self.bytes - 4) else { throw .corrupt }
        let format = bytes.littleEndian(UInt32.self, at: 8)
        guard format == Self.format else { throw .unknownFormat(format) }
        let length = Int(bytes[20])
        guard length <= Self.bytes - 4 - nameStart else { throw .corrupt }
        let first = bytes.littleEndian(UInt64.self, at: 12)
        guard first >= 1, let node = NodeID(String(decoding: bytes[nameStart..<nameStart + length], as: UTF8.self)) else { throw .corrupt }
        return SegmentHeader(first: first, node: node)
    }

    package static func read(_ bytes: [UInt8]) throws(Defect) -> SegmentHeader {
        try bytes.withUnsafeBytes { raw -> Result<SegmentHeader, Defect> in
            do throws(Defect) { return .success(try read(raw)) } catch { return .failure(error) }
        }.get()
    }
}
