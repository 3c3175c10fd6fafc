// The machine on which stages run, as their fingerprints see it.
package import Pipelines

/// A Python installation that stages may use.
package struct PythonInstallation: Hashable, Sendable {
    /// Absolute, under the same name inside.
    package var executable: String
    /// Such as `CPython 3.11.2`.
    package var version: String
    /// The folders that it needs besides /usr, shown read-only under the same names.
    package var folders: [String]

    package init(executable: String, version: String, folders: [String]) {
        self.executable = executable
        self.version = version
        self.folders = folders
    }
}

package struct StageMachine: Sendable {
    package var libc: String
    package var architecture: String
    package var threads: Int
    /// The interpreter, or one sentence why there is none.
    package var python: Result<PythonInstallation, StageRunnerError>
    /// The versions behind evaluate stages.
    package var evaluation: [ValidatorName: String]
    /// Where a program that is named without a folder lies in /usr; `nil` when it is not there.
    package var program: @Sendable (String) -> String?

    package init(
        libc: String, architecture: String, threads: Int, python: Result<PythonInstallation, StageRunnerError>, evaluation: [ValidatorName: String],
        program: @escaping @Sendable (String) -> String?
    ) {
        self.libc = libc
        self.architecture = architecture
        self.threads = threads
        self.python = python
        self.evaluation = evaluation
        self.program = program
    }
}
