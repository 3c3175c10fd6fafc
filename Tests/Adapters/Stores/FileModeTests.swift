// Nothing that the stores make is open to others, whatever the umask.
import FileArtifacts
import Foundation
import Ports
import SQLiteLedger
import Testing

@Suite struct FileModeTests {
    /// In a process of its own: the umask is the whole process's.
    @Test(arguments: [0o000, 0o022] as [mode_t])
    func filesAndFoldersAreTheOwnersOnly(_ mask: mode_t) async {
        await #expect(processExitsWith: .success) { [mask = mask as mode_t] in
            umask(mask)
            let folder = try Folder()
            let ledger = try SQLiteLedger(path: folder("deep/er/ledger.sqlite"), origin: "test.example/ledger")
            let artifacts = try FileArtifacts(folder: folder("very/deep/artifacts"))
            _ = try await ledger.commit([append("stream", at: 0, "x")])
            try await ledger.save(checkpoint: [1], size: 1)
            _ = try await artifacts.verifiedFile(artifacts.put([1, 2, 3]))
            let names = try folder.names()
            // While the ledger is open, with its log and the log's index.
            for suffix in ["", "-wal", "-shm"] { #expect(names.contains("deep/er/ledger.sqlite" + suffix)) }
            for name in names {
                var isFolder: ObjCBool = false
                _ = FileManager.default.fileExists(atPath: folder(name), isDirectory: &isFolder)
                #expect(try Files.mode(folder(name)) == (isFolder.boolValue ? 0o700 : 0o600), "\(name)")
            }
            withExtendedLifetime(ledger) {}
        }
    }
}
