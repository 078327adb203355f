#include "task/picture_changes.h"

namespace attend::task {

data::Scene changed_scene(data::Scene scene, const PictureChanges& changes, Generator& random) {
  const RandomStream flip = random.next(), rotation = random.next(), crop = random.next(),
                     jitter = random.next();
  if (changes.flip && data::happens(0.5, flip)) scene = data::flip_horizontally(scene);
  if (changes.rotation > 0) scene = data::random_rotation(scene, changes.rotation, rotation, changes.fill);
  scene = data::random_crop(scene, changes.height, changes.width, changes.crop_padding, crop, changes.fill);
  if (changes.jitter > 0)
    scene.image = data::color_jitter(
        scene.image, {.brightness = changes.jitter, .contrast = changes.jitter, .saturation = changes.jitter},
        jitter);
  return scene;
}

}  // namespace attend::task
