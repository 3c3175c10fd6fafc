// A disk that fails when it is told to, under SQLite's own file layer.
import GRDBSQLite
import Synchronization

/// Counts what SQLite writes, syncs and truncates below one folder, and answers with an error from the nth of these on.
///
/// It stands as SQLite's default file layer for the whole process, and passes through whatever belongs to no `FaultyDisk`.
final class FaultyDisk: Sendable {
    enum Operation: Hashable { case write, sync, truncate }

    private struct Plan {
        var code: Int32 = SQLITE_OK
        var operations: Set<Operation> = []
        var left = 0
        var isOnce = false
        var faults = 0
        var hasSharedMemory = true
    }

    private struct OpenFile {
        var disk: FaultyDisk
        /// The address of the functions that SQLite gave it: a database and its log have different ones.
        var methods: UInt
    }

    private static let open = Mutex<[UInt: OpenFile]>([:])
    private static let folders = Mutex<[String: FaultyDisk]>([:])
    private static let isInstalled: Bool = install()
    private let plan = Mutex(Plan())
    private let folder: String

    init(under folder: String) {
        precondition(Self.isInstalled)
        self.folder = folder
        Self.folders.withLock { $0[folder] = self }
    }

    /// Files that are open stay with this disk; new ones do not.
    func remove() { Self.folders.withLock { _ = $0.removeValue(forKey: folder) } }

    /// Lets `count` operations of these kinds pass, and answers the next, or all after it, with an error.
    func fail(with code: Int32, on operations: Set<Operation>, after count: Int, once isOnce: Bool = false) {
        plan.withLock { $0 = Plan(code: code, operations: operations, left: count, isOnce: isOnce) }
    }

    /// As a file system that cannot map memory between processes.
    func refuseSharedMemory() { plan.withLock { $0.hasSharedMemory = false } }

    /// How many operations failed; from now on none does.
    @discardableResult func heal() -> Int {
        plan.withLock { plan in
            defer { plan = Plan() }
            return plan.faults
        }
    }

    private func fault(_ operation: Operation) -> Int32? {
        plan.withLock { plan in
            guard plan.code != SQLITE_OK, plan.operations.contains(operation) else { return nil }
            guard plan.left == 0 else {
                plan.left -= 1
                return nil
            }
            guard !plan.isOnce || plan.faults == 0 else { return nil }
            plan.faults += 1
            return plan.code
        }
    }

    private static func file(_ file: UnsafeMutablePointer<sqlite3_file>?) -> (disk: FaultyDisk, methods: sqlite3_io_methods) {
        guard let found = open.withLock({ $0[UInt(bitPattern: file)] }), let methods = UnsafePointer<sqlite3_io_methods>(bitPattern: found.methods) else {
            preconditionFailure("only files in the table have these functions")
        }
        return (found.disk, methods.pointee)
    }

    /// SQLite's own file layer, and ours: never freed, since the connections of the whole process point into it.
    ///
    /// Unchecked: `mine` is written once, before it is registered.
    private final class Layer: @unchecked Sendable {
        let original: UnsafeMutablePointer<sqlite3_vfs>
        let mine = UnsafeMutablePointer<sqlite3_vfs>.allocate(capacity: 1)
        /// Our functions in place of those at an address, with or without shared memory.
        let changed = Mutex<[[UInt]: UInt]>([:])

        init() {
            guard let original = sqlite3_vfs_find(nil) else { preconditionFailure("SQLite has a file layer") }
            self.original = original
        }
    }

    private static let layer = Layer()

    private static func install() -> Bool {
        layer.mine.initialize(to: layer.original.pointee)
        layer.mine.pointee.zName = UnsafePointer(faultyName)
        layer.mine.pointee.pNext = nil
        layer.mine.pointee.xOpen = { vfs, name, file, flags, outFlags in
            let code = FaultyDisk.layer.original.pointee.xOpen(vfs, name, file, flags, outFlags)
            guard code == SQLITE_OK, let name, let file, let methods = file.pointee.pMethods else { return code }
            let path = String(cString: name)
            guard let disk = FaultyDisk.folders.withLock({ $0.first { path.hasPrefix($0.key + "/") }?.value }) else { return code }
            FaultyDisk.open.withLock { $0[UInt(bitPattern: file)] = OpenFile(disk: disk, methods: UInt(bitPattern: methods)) }
            file.pointee.pMethods = FaultyDisk.changed(methods, hasSharedMemory: disk.plan.withLock { $0.hasSharedMemory })
            return code
        }
        return sqlite3_vfs_register(layer.mine, 1) == SQLITE_OK
    }

    private static func changed(_ methods: UnsafePointer<sqlite3_io_methods>, hasSharedMemory: Bool) -> UnsafePointer<sqlite3_io_methods>? {
        let address = layer.changed.withLock { known in
            let key = [UInt(bitPattern: methods), hasSharedMemory ? 1 : 0]
            if let address = known[key] { return address }
            let copy = UnsafeMutablePointer<sqlite3_io_methods>.allocate(capacity: 1)
            copy.initialize(to: changed(methods.pointee))
            if !hasSharedMemory { copy.pointee.iVersion = 1 }
            known[key] = UInt(bitPattern: copy)
            return UInt(bitPattern: copy)
        }
        return UnsafePointer(bitPattern: address)
    }

    private static func changed(_ methods: sqlite3_io_methods) -> sqlite3_io_methods {
        var changed = methods
        changed.xClose = { file in
            let methods = FaultyDisk.file(file).methods
            FaultyDisk.open.withLock { _ = $0.removeValue(forKey: UInt(bitPattern: file)) }
            return methods.xClose(file)
        }
        changed.xWrite = { file, bytes, count, offset in
            let (disk, methods) = FaultyDisk.file(file)
            guard let code = disk.fault(.write) else { return methods.xWrite(file, bytes, count, offset) }
            // Half of it arrives, as on a real disk.
            _ = methods.xWrite(file, bytes, count / 2, offset)
            return code
        }
        changed.xSync = { file, flags in
            let (disk, methods) = FaultyDisk.file(file)
            return disk.fault(.sync) ?? methods.xSync(file, flags)
        }
        changed.xTruncate = { file, size in
            let (disk, methods) = FaultyDisk.file(file)
            return disk.fault(.truncate) ?? methods.xTruncate(file, size)
        }
        return changed
    }
}

/// Lives as long as the process, as SQLite asks; never written again.
private nonisolated(unsafe) let faultyName: UnsafeMutablePointer<CChar> = {
    let name = "penstock.faulty"
    let bytes = UnsafeMutablePointer<CChar>.allocate(capacity: name.utf8.count + 1)
    for (place, byte) in (name.utf8.map { CChar(bitPattern: $0) } + [0]).enumerated() { bytes[place] = byte }
    return bytes
}()
