// Every kernel, by name.
#pragma once

#include "kernels/anatomical_filter.h"  // the anatomical region of every candidate
#include "kernels/best_class.h"         // labels from the scores of classes
#include "kernels/box_decode.h"         // boxes from a detection head
#include "kernels/box_fusion.h"         // one box from several networks' boxes
#include "kernels/centreline.h"         // skeleton of a mask, with its local radius
#include "kernels/components.h"         // connected components: statistics, labels, editing
#include "kernels/cut_tile.h"           // a tile of a volume as a network sees it
#include "kernels/min_projection.h"     // running minimum over the frames of a run
#include "kernels/nms.h"                // greedy non-maximum suppression
#include "kernels/noise.h"              // how noisy the frame is
#include "kernels/overlay.h"            // the frame with its labels in colour
#include "kernels/percentile.h"         // exact percentiles, for the window
#include "kernels/shift.h"              // how far the mask must move
#include "kernels/soft_nms.h"           // the same, by decaying scores
#include "kernels/subtract.h"           // invert, subtract, resize, window
#include "kernels/threshold.h"          // logits to a mask of the source's size
