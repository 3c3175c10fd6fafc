// How far the control plane has the log, in a file that is replaced as a whole.
internal import Decisions

/// Layout, frozen, integers little-endian: magic, format u32, acknowledged sequence u64, CRC-32C u32 of all that.
package enum CursorFile {
    private static let magic = Array("PENCURSR".utf8)
    private static let format: UInt32 = 1
    private static let size = 24

    private static func encode(_ acknowledged: UInt64) -> [UInt8] {
        var bytes = magic
        withUnsafeBytes(of: format.littleEndian) { bytes += $0 }
        withUnsafeBytes(of: acknowledged.littleEndian) { bytes += $0 }
        withUnsafeBytes(of: CRC32C.of(bytes).littleEndian) { bytes += $0 }
        return bytes
    }

    enum Failure: Error {
        /// The cursor is as it was.
        case unavailable(DiskFailure)
        /// Nobody knows which cursor a power cut would leave.
        case unknown(DiskFailure)
    }

    /// Durable when it returns.
    static func save(_ acknowledged: UInt64, on disk: any LogDisk) throws(Failure) {
        let file: any LogFile
        do throws(DiskFailure) {
            file = try disk.open(SegmentName.nextCursor, .replacing)
            try file.write(encode(acknowledged), at: 0)
        } catch { throw .unavailable(error) }
        do throws(DiskFailure) { try file.sync() } catch { throw .unknown(error) }
        do throws(DiskFailure) { try disk.rename(SegmentName.nextCursor, to: SegmentName.cursor) } catch { throw .unavailable(error) }
        do throws(DiskFailure) { try disk.syncFolder() } catch { throw .unknown(error) }
    }

    /// `nil` when the bytes are no cursor.
    static func read(on disk: any LogDisk) throws(DiskFailure) -> UInt64? {
        let bytes = try disk.open(SegmentName.cursor, .existing).read(at: 0, count: size + 1)
        guard bytes.count == size else { return nil }
        let acknowledged = bytes[12..<20].reversed().reduce(UInt64(0)) { $0 << 8 | UInt64($1) }
        return bytes == encode(acknowledged) ? acknowledged : nil
    }
}
