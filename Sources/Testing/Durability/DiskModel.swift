// A disk that forgets what was not synced.
private import Foundation

/// What is surely on the disk, and what may be: bytes of a file until the file is synced, names in a folder until the folder is.
///
/// This is what POSIX promises and no more. A real file system mostly keeps more, and none that is used keeps it always.
struct DiskModel {
    private enum Change {
        case write(offset: Int, bytes: [UInt8])
        case truncate(size: Int)
    }

    private struct File {
        var bytes: [UInt8] = []
        var pending: [Change] = []
    }

    private enum Entry {
        case file(Int)
        case folder(String)
    }

    private enum NameChange {
        case add(String, Entry)
        case remove(String)
    }

    private struct Folder {
        var entries: [String: Entry] = [:]
        var pending: [NameChange] = []
    }

    private var files: [File] = []
    private var folders: [String: Folder] = ["": Folder()]
    /// As a running program sees them.
    private var names: [String: Int] = [:]
    private var openFiles: [UInt64: Int] = [:]
    private var openFolders: [UInt64: String] = [:]

    mutating func apply(_ operation: Operation) {
        switch operation.kind {
        case .acknowledge: break
        case .create:
            let file = files.count
            files.append(File())
            openFolders[operation.node] = nil
            openFiles[operation.node] = file
            names[operation.name] = file
            change(operation.name) { .add($0, .file(file)) }
        case .openFolder: openFolders[operation.node] = operation.name
        case .makeFolder:
            folders[operation.name] = Folder()
            change(operation.name) { .add($0, .folder(operation.name)) }
        case .write: pend(operation.node, .write(offset: operation.offset, bytes: operation.first))
        case .truncate: pend(operation.node, .truncate(size: operation.offset))
        case .sync: sync(operation.node)
        case .rename:
            guard let file = names.removeValue(forKey: operation.name) else { return }
            names[operation.newName] = file
            change(operation.name) { .remove($0) }
            change(operation.newName) { .add($0, .file(file)) }
        case .unlink:
            names[operation.name] = nil
            change(operation.name) { .remove($0) }
        }
    }

    private mutating func change(_ path: String, _ change: (String) -> NameChange) {
        let name = (path as NSString).lastPathComponent
        folders[(path as NSString).deletingLastPathComponent]?.pending.append(change(name))
    }

    private mutating func pend(_ node: UInt64, _ change: Change) {
        guard let file = openFiles[node] else { return }
        files[file].pending.append(change)
    }

    private mutating func sync(_ node: UInt64) {
        if let path = openFolders[node] {
            guard var folder = folders[path] else { return }
            for change in folder.pending { Self.apply(change, to: &folder.entries) }
            folder.pending = []
            folders[path] = folder
        } else if let file = openFiles[node] {
            var synced = files[file]
            files[file] = File()
            for change in synced.pending { Self.apply(change, to: &synced.bytes) }
            synced.pending = []
            files[file] = synced
        }
    }

    private static func apply(_ change: NameChange, to entries: inout [String: Entry]) {
        switch change {
        case .add(let name, let entry): entries[name] = entry
        case .remove(let name): entries[name] = nil
        }
    }

    private static func apply(_ change: Change, to bytes: inout [UInt8]) {
        switch change {
        case .truncate(let size):
            if size < bytes.count { bytes.removeLast(bytes.count - size) } else { bytes += [UInt8](repeating: 0, count: size - bytes.count) }
        case .write(let offset, let new):
            if bytes.count < offset + new.count { bytes += [UInt8](repeating: 0, count: offset + new.count - bytes.count) }
            bytes.replaceSubrange(offset..<offset + new.count, with: new)
        }
    }

    // What the disk holds after a power cut.

    enum Survival: CaseIterable {
        /// Only what was synced.
        case synced
        /// All names, and of the bytes only what was synced: files that are there and empty.
        case names
        /// Any subset of the names, and any subset of 512-byte sectors.
        case some
        /// Everything: the power did not fail, the program did.
        case all
    }

    private static let sector = 512

    /// Makes the folder as it may be found when the power is back.
    func write(to root: String, _ survival: Survival, _ generator: inout SeededGenerator) throws { try write("", to: root, survival, &generator) }

    private func write(_ path: String, to root: String, _ survival: Survival, _ generator: inout SeededGenerator) throws {
        guard let folder = folders[path] else { return }
        try FileManager.default.createDirectory(atPath: root + "/" + path, withIntermediateDirectories: false, attributes: [.posixPermissions: 0o700])
        var entries = folder.entries
        for change in folder.pending where Self.survives(survival, isName: true, &generator) { Self.apply(change, to: &entries) }
        for (name, entry) in entries.sorted(by: { $0.key < $1.key }) {
            let below = path.isEmpty ? name : path + "/" + name
            switch entry {
            case .folder(let path): try write(path, to: root, survival, &generator)
            // The index of SQLite's log is in memory, and made again.
            case .file where name.hasSuffix("-shm"): break
            case .file(let number): try write(files[number], to: root + "/" + below, survival, &generator)
            }
        }
    }

    private func write(_ file: File, to path: String, _ survival: Survival, _ generator: inout SeededGenerator) throws {
        var bytes = file.bytes
        for change in file.pending {
            guard survival == .some, case .write(let offset, let new) = change else {
                if Self.survives(survival, isName: false, &generator) { Self.apply(change, to: &bytes) }
                continue
            }
            var start = 0
            while start < new.count {
                let end = min(new.count, ((offset + start) / Self.sector + 1) * Self.sector - offset)
                if Bool.random(using: &generator) { Self.apply(.write(offset: offset + start, bytes: Array(new[start..<end])), to: &bytes) }
                start = end
            }
        }
        let descriptor = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0o600)
        guard descriptor >= 0 else { throw CocoaError(.fileWriteUnknown) }
        defer { close(descriptor) }
        guard bytes.withUnsafeBytes({ Foundation.write(descriptor, $0.baseAddress, $0.count) }) == bytes.count else { throw CocoaError(.fileWriteOutOfSpace) }
    }

    private static func survives(_ survival: Survival, isName: Bool, _ generator: inout SeededGenerator) -> Bool {
        switch survival {
        case .synced: false
        case .names: isName
        case .some: Bool.random(using: &generator)
        case .all: true
        }
    }
}

/// SplitMix64.
struct SeededGenerator: RandomNumberGenerator {
    private var state: UInt64
    init(seed: UInt64) { state = seed }

    mutating func next() -> UInt64 {
        state &+= 0x9E37_79B9_7F4A_7C15
        var mixed = state
        mixed = (mixed ^ (mixed >> 30)) &* 0xBF58_476D_1CE4_E5B9
        mixed = (mixed ^ (mixed >> 27)) &* 0x94D0_49BB_1331_11EB
        return mixed ^ (mixed >> 31)
    }
}
