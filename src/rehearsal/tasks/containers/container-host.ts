import { Engine } from './engine';
import { EngineKind, findEngine } from './engine-info';
import { Features } from './features';
import { Images } from './images';

/** The container engine of a rehearsal, its images, and the features of its machine. */
export interface ContainerHost {
  readonly engine: Engine;
  readonly images: Images;
  readonly features: Features;
}

/**
 * @param reason why an engine is required
 * @throws CannotRun when no engine is available
 */
export async function findContainerHost(selected: EngineKind | undefined, reason: string): Promise<ContainerHost> {
  const engine = new Engine(await findEngine(selected, reason));
  const images = new Images(engine);
  return { engine, images, features: new Features(images) };
}
