// Where the history of runs, and what their stages made, is kept.
package import Pipelines

package struct RunCatalogError: Error, Sendable, CustomStringConvertible {
    package struct Code: Hashable, Sendable {
        private enum Value: Hashable { case conflict, damaged, unavailable }
        private var value: Value
        /// Somebody else wrote to the run meanwhile.
        package static let conflict = Code(value: .conflict)
        package static let damaged = Code(value: .damaged)
        package static let unavailable = Code(value: .unavailable)
    }

    package var code: Code
    package var message: String

    package init(_ code: Code, _ message: String) {
        self.code = code
        self.message = message
    }

    package var description: String { message }
}

/// An execution and what it was made from.
package struct CatalogedExecution: Hashable, Sendable {
    package var execution: StageExecution
    package var components: StageComponents

    package init(_ execution: StageExecution, _ components: StageComponents) {
        self.execution = execution
        self.components = components
    }
}

/// - When `append` has returned, the event survives power loss; a crash before leaves nothing of it.
/// - A `stagePublished` event and its execution with components become visible together, or neither does.
/// - An append with another revision than the run has fails with `.conflict` and changes nothing.
/// - Appending works in a cancelled task: how a run was stopped must be recorded.
package protocol RunCatalog: Sendable {
    /// `revision` is how many events the run has now. `components` come with `stagePublished`, and with nothing else.
    func append(_ event: RunEvent, to run: RunID, of pipeline: PipelineName, revision: Int, components: StageComponents?) async throws(RunCatalogError)
    /// In order; empty for an unknown run.
    func events(of run: RunID) async throws(RunCatalogError) -> [RunEvent]
    /// The pipeline's runs, newest first, at most `limit`.
    func runs(of pipeline: PipelineName, limit: Int) async throws(RunCatalogError) -> [RunID]
    /// Runs of all pipelines that have not ended, oldest first.
    func openRuns() async throws(RunCatalogError) -> [(run: RunID, pipeline: PipelineName)]
    func newestExecution(of stage: StageName, in pipeline: PipelineName) async throws(RunCatalogError) -> CatalogedExecution?
    /// The newest one.
    func execution(of fingerprint: StageFingerprint) async throws(RunCatalogError) -> CatalogedExecution?
    /// By `StageExecution.id`.
    func execution(id: String) async throws(RunCatalogError) -> CatalogedExecution?
}
