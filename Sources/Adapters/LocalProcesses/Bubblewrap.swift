// The sandbox around every child that is trusted with nothing.
private import Foundation
private import Subprocess

enum Bubblewrap {
    /// Namespaces of its own (no network, no other process, no home, an empty /tmp), no capabilities, no environment; the system read-only.
    static let isolation = [
        "--unshare-all", "--die-with-parent", "--new-session", "--cap-drop", "ALL", "--clearenv", "--hostname", "sandbox",
        "--ro-bind", "/usr", "/usr", "--ro-bind-try", "/lib", "/lib", "--ro-bind-try", "/lib64", "/lib64", "--ro-bind-try", "/bin", "/bin",
        "--ro-bind-try", "/etc/ld.so.cache", "/etc/ld.so.cache", "--proc", "/proc", "--dev", "/dev", "--tmpfs", "/tmp",
    ]

    /// The program, when it is there and may make namespaces here: in many containers it may not.
    static func working() async -> String? {
        guard let path = ["/usr/bin/bwrap", "/usr/local/bin/bwrap"].first(where: { FileManager.default.isExecutableFile(atPath: $0) }) else { return nil }
        let trial = try? await Subprocess.run(
            .path(.init(path)), arguments: Arguments(isolation + ["--", "/usr/bin/true"]), environment: .custom([:] as [Environment.Key: String]),
            output: .discarded)
        return trial?.terminationStatus.isSuccess == true ? path : nil
    }
}
