// The bytes of one frame of a decision log.

/// One entry of a log. Its sequence number is its name for ever.
///
/// Layout, frozen, integers little-endian: payload length u32, CRC-32C u32, sequence u64, place u32, kind u8, payload. The checksum covers
/// everything but itself, the length first.
package struct LogFrame: Hashable, Sendable {
    /// What the payload is. Numbers are frozen; a reader passes on those that it does not know.
    package struct Kind: RawRepresentable, Hashable, Sendable {
        package let rawValue: UInt8

        package init(rawValue: UInt8) { self.rawValue = rawValue }

        /// A `DecisionRecord`.
        package static let decision = Kind(rawValue: 1)
        /// An `OutcomeRecord`.
        package static let outcome = Kind(rawValue: 2)
        /// A `ComparisonRecord`.
        package static let comparison = Kind(rawValue: 3)
    }

    package static let headerBytes = 21
    package static let mostPayloadBytes = 1 << 20

    package var sequence: UInt64
    /// The place in its write, from 1. A write begins when the one before it is on the disk, so a frame that is read says of all frames up to
    /// `sequence - place` that they were durable: where one of those is bad, it was damaged and not torn.
    package var place: UInt32
    package var kind: Kind
    package var payload: [UInt8]

    package init(sequence: UInt64, place: UInt32, kind: Kind, payload: [UInt8]) {
        self.sequence = sequence
        self.place = place
        self.kind = kind
        self.payload = payload
    }

    package func append(to buffer: inout [UInt8]) {
        precondition(payload.count <= Self.mostPayloadBytes, "a frame's payload has at most \(Self.mostPayloadBytes) bytes")
        precondition(place >= 1 && UInt64(place) <= sequence, "sequences count from 1, and so do places in a write")
        let start = buffer.count
        buffer.append(littleEndian: UInt32(payload.count))
        buffer.append(littleEndian: UInt32(0))
        buffer.append(littleEndian: sequence)
        buffer.append(littleEndian: place)
        buffer.append(kind.rawValue)
        buffer += payload
        let checksum = buffer.withUnsafeBytes { Self.checksum(UnsafeRawBufferPointer(rebasing: $0[start...])) }
        for (offset, shift) in zip(4..<8, [UInt32(0), 8, 16, 24]) { buffer[start + offset] = UInt8(truncatingIfNeeded: checksum >> shift) }
    }

    /// Of one whole frame.
    fileprivate static func checksum(_ frame: UnsafeRawBufferPointer) -> UInt32 {
        let length = CRC32C.of(UnsafeRawBufferPointer(rebasing: frame[..<4]))
        return CRC32C.of(UnsafeRawBufferPointer(rebasing: frame[8...]), after: length)
    }
}

/// A whole and sound frame where it stands, so that nothing is copied to look at it.
package struct FrameView: Hashable, Sendable {
    package var sequence: UInt64
    package var place: UInt32
    package var kind: LogFrame.Kind
    /// Where the payload stands in the bytes that were read.
    package var payload: Range<Int>

    package init(sequence: UInt64, place: UInt32, kind: LogFrame.Kind, payload: Range<Int>) {
        self.sequence = sequence
        self.place = place
        self.kind = kind
        self.payload = payload
    }

    package var end: Int { payload.upperBound }
    /// The last sequence that was durable when this frame was written.
    package var durableBefore: UInt64 { sequence - UInt64(place) }
}

/// Why bytes are not the frame that is due.
package enum FrameDefect: Hashable, Sendable, CustomStringConvertible {
    /// The bytes end before the frame does.
    case truncated
    /// The checksum does not fit.
    case corrupt
    /// It claims more bytes than a frame may have.
    case tooLong(UInt32)
    /// Whole and sound, but not the one that is due, or one that can never be.
    case impossibleSequence(UInt64)

    package var description: String {
        switch self {
        case .truncated: "the frame is cut off"
        case .corrupt: "the frame does not have its checksum"
        case .tooLong(let length): "the frame claims \(length) bytes, more than any has"
        case .impossibleSequence(let found): "the frame has the number \(found), which is not due here"
        }
    }
}

package enum FrameReading: Hashable, Sendable {
    case frame(FrameView)
    /// Nothing follows.
    case end
    case defect(FrameDefect)
}

extension LogFrame {
    /// Reads the frame at an offset. Any bytes have an answer. `due` is the sequence that must stand here; `nil` takes each that can be.
    package static func read(_ bytes: UnsafeRawBufferPointer, at offset: Int, due: UInt64?) -> FrameReading {
        guard offset >= 0, offset < bytes.count else { return .end }
        let rest = UnsafeRawBufferPointer(rebasing: bytes[offset...])
        guard rest.count >= 4 else { return .defect(.truncated) }
        let length = rest.littleEndian(UInt32.self, at: 0)
        guard length <= mostPayloadBytes else { return .defect(.tooLong(length)) }
        let size = headerBytes + Int(length)
        guard rest.count >= size else { return .defect(.truncated) }
        guard checksum(UnsafeRawBufferPointer(rebasing: rest[..<size])) == rest.littleEndian(UInt32.self, at: 4) else { return .defect(.corrupt) }
        let sequence = rest.littleEndian(UInt64.self, at: 8)
        let place = rest.littleEndian(UInt32.self, at: 16)
        guard place >= 1, UInt64(place) <= sequence, due == nil || sequence == due else { return .defect(.impossibleSequence(sequence)) }
        return .frame(FrameView(sequence: sequence, place: place, kind: Kind(rawValue: rest[20]), payload: offset + headerBytes..<offset + size))
    }
}

extension [UInt8] {
    mutating func append(littleEndian value: some FixedWidthInteger) {
        Swift.withUnsafeBytes(of: value.littleEndian) { append(contentsOf: $0) }
    }
}

extension UnsafeRawBufferPointer {
    func littleEndian<Value: FixedWidthInteger & BitwiseCopyable>(_: Value.Type, at offset: Int) -> Value {
        Value(littleEndian: loadUnaligned(fromByteOffset: offset, as: Value.self))
    }
}
