// What a kill at this instant would leave of a database.
import Foundation
import Testing

enum Snapshot {
    /// Copies the file and its log as the system has them now, and answers the copy's path. Call it while nobody commits.
    static func take(_ path: String, in folder: Folder) throws -> String {
        let target = folder("kill-\(UUID().uuidString)")
        try FileManager.default.createDirectory(atPath: target, withIntermediateDirectories: false)
        try Files.copy([path, path + "-wal"].filter(Files.exists), to: target)
        return target + "/" + (path as NSString).lastPathComponent
    }

    /// The whole database as one file's bytes.
    static func bytes(_ path: String, in folder: Folder) throws -> [UInt8] {
        try raw(path, "PRAGMA wal_checkpoint(TRUNCATE)")
        return try Files.bytes(try take(path, in: folder))
    }
}
