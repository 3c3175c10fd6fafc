// Frames and headers have these very bytes, and any other bytes have an answer.
import Decisions
import Primitives
import Testing

@Suite struct LogFrameTests {
    @Test(
        arguments: [
            ("123456789", 0xe306_9283), ("", 0), ("a", 0xc1d0_4330), ("The quick brown fox jumps over the lazy dog", 0x2262_0404),
        ] as [(String, UInt32)]) func checksumsAreThoseOfTheStandard(_ text: String, _ checksum: UInt32)
    { #expect(CRC32C.of(Array(text.utf8)) == checksum) }

    /// RFC 3720 §B.4.
    @Test func checksumsOfTheStandardsBlocks() {
        #expect(CRC32C.of([UInt8](repeating: 0, count: 32)) == 0x8a91_36aa)
        #expect(CRC32C.of([UInt8](repeating: 0xff, count: 32)) == 0x62a8_ab43)
        #expect(CRC32C.of(Array(0..<32)) == 0x46dd_794e)
        #expect(CRC32C.of(Array((0..<32).reversed())) == 0x113f_db5c)
    }

    @Test func checksumsAreTheSameInAnyPieces() {
        let bytes = (0..<100).map { UInt8(truncatingIfNeeded: $0 * 37) }
        let whole = CRC32C.of(bytes)
        for cut in 0...100 {
            let first = CRC32C.of(Array(bytes[..<cut]))
            #expect(bytes.withUnsafeBytes { CRC32C.of(UnsafeRawBufferPointer(rebasing: $0[cut...]), after: first) } == whole)
        }
    }

    @Test func aFrameHasTheseBytes() {
        #expect(
            bytes(of: LogFrame(sequence: 0x0102_0304_0506_0708, place: 3, kind: .decision, payload: Array("{\"format\":1}".utf8))).hex
                == "0c000000" + "98f7f091" + "0807060504030201" + "03000000" + "01" + "7b22666f726d6174223a317d")
        #expect(bytes(of: LogFrame(sequence: 1, place: 1, kind: .outcome, payload: [])).hex == "00000000" + "d7841533" + "0100000000000000" + "01000000" + "02")
    }

    @Test func aHeaderHasTheseBytes() throws {
        let header = SegmentHeader(first: 77, node: try #require(NodeID("node-a")))
        let bytes = header.encoded
        #expect(bytes.count == SegmentHeader.bytes)
        #expect(bytes.hex == "50454e53544f434b" + "01000000" + "4d00000000000000" + "06" + "6e6f64652d61" + String(repeating: "00", count: 65) + "fb211bf4")
        #expect(try read(header: bytes) == header)
        let longest = SegmentHeader(first: .max, node: try #require(NodeID(String(repeating: "n", count: 63))))
        #expect(try read(header: longest.encoded) == longest)
    }

    @Test func everyFrameIsReadBack() {
        for size in [0, 1, 7, 8, 9, 300, LogFrame.mostPayloadBytes] {
            let frame = LogFrame(sequence: 9, place: 2, kind: LogFrame.Kind(rawValue: 200), payload: (0..<size).map { UInt8(truncatingIfNeeded: $0) })
            let bytes = [0xaa] + bytes(of: frame)
            let expected = FrameView(sequence: 9, place: 2, kind: frame.kind, payload: 22..<22 + size)
            #expect(read(bytes, at: 1, due: 9) == .frame(expected) && read(bytes, at: 1, due: nil) == .frame(expected))
            #expect(expected.durableBefore == 7 && expected.end == bytes.count)
        }
    }

    @Test func eachDefectHasItsName() {
        let frame = bytes(of: LogFrame(sequence: 5, place: 5, kind: .decision, payload: [1, 2, 3]))
        #expect(read(frame, at: frame.count, due: 5) == .end && read(frame, at: -1, due: 5) == .end && read(frame, at: 1000, due: 5) == .end)
        for size in 1..<frame.count { #expect(read(Array(frame[..<size]), at: 0, due: 5) == .defect(.truncated)) }
        #expect(read(frame, at: 0, due: 6) == .defect(.impossibleSequence(5)))
        #expect(read([0xff, 0xff, 0xff, 0xff] + frame, at: 0, due: 5) == .defect(.tooLong(0xffff_ffff)))
        let limit = UInt32(LogFrame.mostPayloadBytes)
        #expect(read(littleEndian(limit + 1), at: 0, due: 5) == .defect(.tooLong(limit + 1)) && read(littleEndian(limit), at: 0, due: 5) == .defect(.truncated))
        for bit in 32..<frame.count * 8 { #expect(read(flipped(frame, bit), at: 0, due: 5) == .defect(.corrupt)) }
    }

    /// What no writer ever makes, with a sound checksum.
    @Test(arguments: [(0, 0), (0, 1), (5, 0), (5, 6), (.max, 0)] as [(UInt64, UInt32)]) func placesThatCannotBeAreRefused(_ sequence: UInt64, _ place: UInt32) {
        var frame = bytes(of: LogFrame(sequence: 5, place: 5, kind: .decision, payload: [1]))
        frame.replaceSubrange(8..<16, with: littleEndian(sequence))
        frame.replaceSubrange(16..<20, with: littleEndian(place))
        frame.replaceSubrange(4..<8, with: littleEndian(CRC32C.of(Array(frame[..<4] + frame[8...]))))
        #expect(read(frame, at: 0, due: nil) == .defect(.impossibleSequence(sequence)) && read(frame, at: 0, due: sequence) == .defect(.impossibleSequence(sequence)))
    }

    @Test func everyChangedHeaderIsRefused() throws {
        let bytes = SegmentHeader(first: 1, node: try #require(NodeID("node-a"))).encoded
        for size in 0..<bytes.count { #expect(throws: SegmentHeader.Defect.truncated) { try read(header: Array(bytes[..<size])) } }
        for bit in 0..<bytes.count * 8 { #expect(throws: SegmentHeader.Defect.corrupt) { try read(header: flipped(bytes, bit)) } }
        var newer = bytes
        newer[8] = 2
        #expect(throws: SegmentHeader.Defect.unknownFormat(2)) { try read(header: sealed(newer)) }
        for (place, value) in [(12, 0), (20, 200), (20, 0), (21, 0x41)] as [(Int, UInt8)] {
            var wrong = bytes
            wrong[place] = value
            #expect(throws: SegmentHeader.Defect.corrupt) { try read(header: sealed(wrong)) }
        }
    }

    @Test func noBytesAtAllTrap() {
        var generator = SeededGenerator(state: 1)
        for _ in 0..<3000 {
            let noise = (0..<Int.random(in: 0...120, using: &generator)).map { _ in UInt8.random(in: 0...3, using: &generator) }
            for offset in 0...noise.count {
                if case .frame = read(noise, at: offset, due: nil) { Issue.record("noise is no frame: \(noise)") }
            }
        }
    }
}
