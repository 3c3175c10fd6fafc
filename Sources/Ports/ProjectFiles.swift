// A project's folder: what its stages may see, and where they write.
package import Pipelines

package struct ProjectError: Error, Sendable, CustomStringConvertible {
    package struct Code: Hashable, Sendable {
        private enum Value: Hashable { case missing, unreadable, cannotWrite }
        private var value: Value
        package static let missing = Code(value: .missing)
        package static let unreadable = Code(value: .unreadable)
        package static let cannotWrite = Code(value: .cannotWrite)
    }

    package var code: Code
    package var message: String

    package init(_ code: Code, _ message: String) {
        self.code = code
        self.message = message
    }

    package var description: String { message }
}

/// The folders of one attempt, as absolute paths of this machine.
package struct StageWorkspace: Hashable, Sendable {
    /// Holds the code and the contracts of the stage at their paths in the project, and nothing else.
    package var project: String
    package var outputs: String
    /// Kept when the workspace is removed.
    package var log: String

    package init(project: String, outputs: String, log: String) {
        self.project = project
        self.outputs = outputs
        self.log = log
    }
}

/// What a stage left where an output belongs.
package enum StageOutputFile: Sendable {
    case missing
    /// A folder, a link or a device.
    case notAFile
    case file(any AsyncSequence<[UInt8], any Error> & Sendable)
}

/// - Nothing outside the project is read; links inside a folder are refused, since what they lead to could change while they stay the same.
/// - A workspace holds copies whose digests were checked while they were made: edits during a run do not reach a stage.
package protocol ProjectFiles: Sendable {
    /// A small file, at most `Limits.documentBytes`.
    func read(_ path: ProjectPath) async throws(ProjectError) -> [UInt8]
    /// A file's digest, or a folder's tree.
    func content(of path: ProjectPath) async throws(ProjectError) -> ArtifactContent
    /// A code folder; what Python caches in `__pycache__` is not part of it.
    func tree(of folder: ProjectPath) async throws(ProjectError) -> TreeDigest
    /// Where the machine has it, for showing it to a stage.
    func location(of path: ProjectPath) throws(ProjectError) -> String
    /// Fresh folders for one attempt.
    func makeWorkspace(
        run: RunID, stage: StageName, attempt: Int, code: (folder: ProjectPath, tree: TreeDigest)?, files: [ProjectPath: [UInt8]]
    ) async throws(ProjectError) -> StageWorkspace
    func output(_ name: SlotName, in workspace: StageWorkspace) throws(ProjectError) -> StageOutputFile
    /// The last line that the stage said, at most 200 characters; empty when it said nothing.
    func lastLine(of workspace: StageWorkspace) -> String
    func remove(_ workspace: StageWorkspace) async
    /// What attempts left behind whose process is gone.
    func removeAllWorkspaces() async
}
